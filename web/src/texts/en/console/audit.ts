/** Decisions, policies, and the log that proves them. */

export const audit = {
  decision: {
    find: 'Every decision has a reference; refusals name theirs, and a stop lists its own. Paste one, or the reference of a stop.',
    findLabel: 'Reference of a decision or a stop',
    findAction: 'Look it up',
    strange: 'That is no reference of a decision or a stop. Copy the whole of it.',
    missing: {
      title: 'There is no such decision',
      body: 'The reference may be wrong, or it is another account’s decision.',
    },
    toStop: 'The stop',
    required: 'What was required',
    metOf: '{met} of {all} met',
    allMet: 'Show {count} more that were met',
    inputs: 'Inputs as evaluated',
    inputsNote:
      'Exactly what the policies were asked about, at that moment. Nothing in it names a person.',
    fact: 'Fact',
    value: 'Value',
    policy: 'Policy',
    version: 'Version',
    inForce: 'In force',
    replaced: 'no, replaced since',
    deciding: 'Decided by',
  },

  policy: {
    version: 'Version',
    since: 'in force since {time}',
    shipped: 'in force since the start',
    views: { matrix: 'Matrix', requirements: 'Requirements', files: 'Files' },
    matrixNote: 'Who may ask for what, in which state of a stop: made from the policies in force.',
    action: 'What is asked for',
    state: 'State of the stop',
    cells: { always: 'permitted', evidence: 'with evidence', never: 'no' },
    lifts: 'What the evidence has to show',
    requirement: 'Requirement',
    appliesTo: 'Asked for',
    everything: 'everything',
    actors: {
      customer: 'Customer',
      driver: 'Driver',
      store: 'Store',
      staff: 'Staff',
      device: 'Device',
      system: 'Carhop itself',
    },
    actions: {
      bind_vehicle: 'Name the car',
      confirm_arrival: 'Arrive at the car',
      accept_proof: 'Prove the customer’s consent',
    },
  },

  log: {
    state: 'The signed log',
    sound: 'The log is what was signed',
    broken: 'The log does not hold',
    entries: 'Entries signed',
    before: '({count} when this browser looked last)',
    origin: 'Origin',
    latest: 'As it happens',
    waiting: 'Waiting for the next entry…',
    changed:
      'After a restore from a copy, or with a new key, a log does not fit what a browser has kept of the former one. It looks the same when somebody has forged it.',
    renew: 'It was restored or has a new key',
    renewTitle: 'Trust this log from now on?',
    renewBody:
      'Have the key read out by whoever runs the server (“carhop audit vkey”), not by this page, and compare every character. What this browser has kept of the former log is forgotten.',
    former: 'The key until now',
    shown: 'The key that is shown now',
    renewAction: 'I have compared: trust it',
  },

  proof: {
    title: 'Proof',
    again: 'Check again',
    outcomes: {
      checking: {
        title: 'Checking…',
        body: 'This browser computes the hashes and the signature itself.',
      },
      proven: {
        title: 'Proven in this browser',
        body: 'The decision stands in the signed log, and nobody has changed it since.',
      },
      broken: {
        title: 'This does not hold',
        body: 'Something was changed, or the log was rewritten. Do not rely on what is shown here; the step that broke is marked.',
      },
      waiting: {
        title: 'Not signed yet',
        body: 'The entry waits for the next checkpoint. Check again in a few seconds.',
      },
      failed: {
        title: 'Could not be checked',
        body: 'The log was not reachable, or this browser cannot verify. The command line can: it checks an exported log.',
      },
    },
    steps: {
      key: {
        holds: 'The log’s key is the one that this browser keeps.',
        broken: 'The log’s key is another one than before, or is none.',
        open: 'The key was not looked at.',
      },
      checkpoint: {
        holds: 'The checkpoint is signed with that key.',
        broken: 'The checkpoint is not signed with that key.',
        open: 'The checkpoint was not looked at.',
      },
      continues: {
        holds: 'The log goes on from what this browser saw before.',
        broken:
          'The log does not go on from what this browser saw before: it was rewritten or cut.',
        open: 'This browser has not seen this log before, and keeps its state from now on.',
      },
      included: {
        holds: 'The entry leads to the root that was signed.',
        broken: 'The entry does not lead to the root that was signed.',
        open: 'The entry is newer than the last checkpoint.',
      },
      entry: {
        holds: 'The entry is about this decision and commits to the stored event.',
        broken: 'The entry is about something else, or the stored event was changed.',
        open: 'The entry was not looked at.',
      },
      record: {
        holds: 'The record with the inputs is the one that the entry commits to.',
        broken: 'The record with the inputs is not the one that the entry commits to.',
        open: 'The server does not show the record’s own bytes, so its inputs are not covered.',
      },
    },
    size: '{count} entries',
    way: 'The way from the entry to the root',
    position: 'Position',
    leaf: 'Leaf',
    beside: 'Beside it, level {level}',
    root: 'Root',
    key: 'Key',
    keep: 'Keep what was checked',
  },
};
