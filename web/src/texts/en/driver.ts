/** What drivers read. */

export const driver = {
  title: 'Stops',
  setUp: {
    headline: 'Set up this phone',
    body: 'It gets a key of its own, certified for you. The link works once.',
    action: 'Set up this phone',
    again: {
      headline: 'This phone is set up already',
      body: 'By this link it becomes another device. It cannot go on with stops that it has now. The link works once.',
      action: 'Set it up anew',
      keep: 'Leave it as it is',
    },
    none: {
      headline: 'This phone is not set up',
      body: 'Ask dispatch for a link and open it here.',
    },
    used: {
      headline: 'This link no longer works',
      body: 'It was used already. Ask dispatch for a new one.',
    },
    waiting: {
      headline: 'This phone is set up',
      body: 'Dispatch signs you in on it: its name is {device}. Your stops then appear here by themselves.',
    },
    over: {
      headline: 'Your sign-in on this phone is over',
      body: 'Nothing can be opened from here. Leave everything shut, and ask dispatch for a new link. What you confirmed is kept.',
    },
  },
  gone: {
    headline: 'This stop is not yours any more',
    body: 'It was given to somebody else or taken back. Nothing opens from this phone. If you are at the car, call dispatch.',
  },
  list: {
    none: 'No stops right now',
    done: 'All stops are done',
    noneBody: 'New stops appear here by themselves.',
    back: 'All stops',
  },
  device: {
    tier: {
      none: 'Device not trusted',
      self_reported: 'Device reports itself',
      certified: 'Certified browser',
      attested: 'Checked device',
    },
    browserLimits: 'In a browser: low-risk groceries only, never fuel.',
    until: 'Signed in until {time}',
  },
  state: {
    requested: 'Waiting for the customer',
    verified: 'Waiting for the customer',
    vehicle_bound: 'Ready to go',
    en_route: 'On the way',
    arrived: 'At the car',
    handoff_ready: 'Ready to open',
    in_service: 'In progress',
    completed: 'Done',
    revoked: 'Stopped',
    expired: 'Expired',
    held: 'Paused',
  },
  steps: {
    customerFirst: {
      title: 'Wait for the customer',
      body: 'The car has to be confirmed, and may have moved. This goes on by itself.',
    },
    plate: {
      title: 'Go to the {car}, plate ends {plate}',
      body: '{venue}. Read the whole plate at the car and type it.',
    },
    wrongCar: {
      pill: 'Wrong car',
      title: 'Wrong car. Stop.',
      body: 'You need the {car}, plate ends {plate}. Read the plate again.',
    },
    arrive: {
      title: 'Right car. Are you beside it?',
      body: 'Say so once you stand beside it.',
      rest: 'Stand still for a moment, so that your place is certain.',
    },
    prove: {
      title: 'Ask for the customer’s code',
      body: 'Scan it, or type the six digits. If the customer approves on the phone, this goes on by itself.',
    },
    unlock: {
      title: 'Ready: open the {place}',
      body: 'It opens once. Hold the button for a second.',
    },
    startPump: {
      title: 'Ready: start the pump',
      body: 'It starts once, up to the limit. Hold the button for a second.',
    },
    waitLock: {
      title: 'Waiting for the lock',
      body: 'It answers within seconds. Do not try again.',
    },
    waitPump: {
      title: 'Waiting for the pump',
      body: 'It answers within seconds. Do not try again.',
    },
    load: { title: 'Put the groceries in', body: 'When they are in the {place}, say so.' },
    shut: { title: 'Shut the {place}', body: 'It locks by itself, and this goes on by itself.' },
    fuelling: { title: 'Fuelling', body: 'Stay with the pump. It stops by itself at the limit.' },
    unclear: {
      title: 'Look: is the {place} open or shut?',
      body: 'The lock did not answer. Nothing is tried again. Tell dispatch what you see.',
    },
    unclearFuel: {
      title: 'Look: did fuel flow?',
      body: 'The pump did not answer. Nothing is tried again. Tell dispatch what you see.',
    },
    between: { title: 'One moment', body: 'The last part is being finished.' },
    held: {
      title: 'Paused. Wait.',
      body: 'Nothing opens meanwhile. Leave everything as it is.',
    },
    done: { title: 'Stop done', body: 'All permissions for this car are off.' },
    stopped: {
      title: 'Stopped. Keep the items with you.',
      body: 'The permission was withdrawn. Nothing opens any more.',
    },
    stoppedOpen: {
      title: 'Stopped. Shut the {place}.',
      body: 'It locks by itself. Nothing opens any more.',
    },
    stoppedUnclear: {
      title: 'Stopped. One thing was on its way already.',
      body: 'We are asking what became of it. Keep clear of lid and pump.',
    },
    expired: { title: 'The window is over', body: 'Nothing opens any more.' },
  },
  actions: {
    plate: 'Check the plate',
    arrive: 'I’m at the car',
    prove: 'Check the code',
    unlock: 'Hold to unlock',
    pump: 'Hold to start',
    loaded: 'Groceries are in',
    next: 'Next stop',
    unsafe: 'Not safe',
    scan: 'Scan the code',
    sign: 'Scan or type the bay sign',
    scanTag: 'Scan the sign',
    typeTag: 'Type the sign’s code',
    stopScan: 'Stop scanning',
  },
  fields: {
    plate: 'Plate at the car',
    code: 'Six-digit code',
    tag: 'Code on the sign',
  },
  scan: {
    looking: 'Point the camera at the code',
    tip: 'Closer, and without glare. Or type the code below.',
    denied:
      'The camera is not allowed. Allow it in the browser’s settings for this page, or type the code.',
    missing: 'There is no camera here. Type the code.',
    broken: 'The camera does not work in this browser. Type the code.',
  },
  place: {
    none: 'Location: not known yet',
    inside: 'Location: at the car’s zone',
    outside: 'Location: {distance} away',
    resting: 'Location: in the zone. Stand still for a moment.',
    uncertain: 'Location: weak. Scan the bay sign.',
    sign: 'Location: the bay sign was read',
    played: 'Demo: this page says that it stands at the car, wherever you are.',
  },
  permission: 'Permission for this car',
  offline: 'Nothing can be opened without a connection. What you confirm is kept and sent later.',
  kept: {
    one: 'One confirmation waits to be sent',
    many: '{count} confirmations wait to be sent',
  },
  keptHere: 'Kept on this phone; it will be sent.',
  refused: 'A confirmation was not taken',
  refusedAt: 'A confirmation for stop {stop} was not taken',
  unsafe: {
    title: 'Something is not safe?',
    body: 'Everything pauses at once, and dispatch is told. Nothing opens until somebody has looked.',
    action: 'Pause everything',
  },
};
