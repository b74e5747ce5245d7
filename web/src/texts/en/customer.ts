/** What customers read. */

export const customer = {
  title: 'Your delivery',
  welcome: {
    headline: 'Your delivery is ready to follow',
    body: 'Continue on this phone to confirm your car and to stay in control. The link works once, on one device.',
    action: 'Continue on this phone',
    private: 'No app, no password. A key is made in this browser and never leaves it.',
  },
  foreign: {
    headline: 'This page belongs to another phone',
    body: 'A delivery can be followed and approved only on the device that opened its link. Lost it? Ask the store for a new link: the old one stops working.',
  },
  used: {
    headline: 'This link no longer works',
    body: 'It was used already, or a newer one was sent. Ask the store for a new link.',
  },
  states: {
    requested: {
      headline: 'We’ve got your order',
      body: 'Confirm that it’s you, then tell us which car.',
      primary: 'It’s me',
    },
    verified: {
      headline: 'Which car is it?',
      body: 'We only open the car whose plate you give us here.',
      primary: 'Continue',
    },
    proposed: {
      headline: 'Approve this delivery',
      body: 'Nothing opens before you do. You can stop it at any time.',
      pill: 'Approval needed',
      primary: 'Approve this delivery',
    },
    vehicle_bound: {
      headline: 'Your {vehicle} is all set',
      body: 'We’ll tell you here as soon as a driver sets out. Moving the car? Tell us below.',
    },
    en_route: {
      headline: '{driver} is on the way to your car',
      body: 'You need not be there. When {driver} is at your car, you confirm it here or show a code.',
    },
    arrived: {
      headline: '{driver} is at your car. Ready when you are.',
      body: 'Approve the opening here, or let {driver} read your code.',
      primary: 'Approve the opening',
    },
    handoff_ready: {
      headline: 'All clear. {driver} can start now.',
      body: 'Each part can be opened once, and only while everything still holds.',
    },
    again: {
      headline: 'Please confirm once more',
      body: '{driver} is at your car. What was shown before counts no more: approve the opening here, or let {driver} read your code.',
    },
    in_service: {
      headline: '{driver} is serving your car',
      body: 'You see every opening and closing below as it happens.',
    },
    unlocking: {
      headline: 'Waiting for the lock to answer',
      body: 'This takes a few seconds. It is told to open once, never twice.',
    },
    open: {
      headline: 'Your {place} is open',
      body: '{driver} is putting your goods in. It locks by itself when it is shut.',
    },
    shut: {
      headline: 'Shut again: your {place}',
      body: '{driver} still has to confirm that your goods are in.',
    },
    openTooLong: {
      headline: 'Your {place} is still open',
      body: 'We’ve told {driver} to shut it.',
    },
    arming: {
      headline: 'Waiting for the pump to answer',
      body: 'This takes a few seconds. It is started once, never twice.',
    },
    dispensing: {
      headline: 'Your car is being fuelled',
      body: 'The pump stops by itself at the limit you approved.',
    },
    betweenLegs: {
      headline: 'One part is done, the next follows',
      body: '{driver} goes on in a moment.',
    },
    indeterminate: {
      headline: 'We can’t tell yet if your {place} opened',
      body: 'The connection broke off at that moment. Nothing is tried again before we know.',
    },
    indeterminateFuel: {
      headline: 'We can’t tell yet if fuel flowed',
      body: 'The connection broke off at that moment. Nothing is tried again before we know.',
    },
    completed: {
      headline: 'Done. Nothing can open your car any more.',
      body: 'All permissions for this delivery are off.',
    },
    partial: {
      headline: 'Partly done. Nothing can open your car any more.',
      body: 'One part could not be done; you don’t pay for it.',
    },
    revoked: {
      headline: 'Stopped. Nothing can open your car now.',
      body: 'All permissions for this delivery are off.',
    },
    stoppedOpen: {
      headline: 'Stopped. Your {place} still stands open.',
      body: 'Nothing new can open. It locks by itself as soon as somebody shuts it.',
    },
    stoppedUnclear: {
      headline: 'Stopped. One thing was on its way already.',
      body: 'We are asking what became of it. Nothing new can open or flow.',
    },
    expired: {
      headline: 'The time for this delivery is over',
      body: 'Nothing can open your car any more. Agree on a new time with the store.',
    },
  },
  held: {
    customer: {
      headline: 'You paused this delivery',
      body: 'Nothing opens until you go on.',
    },
    staff: {
      headline: 'Paused while a person checks',
      body: 'Nothing opens meanwhile. We’ll tell you here as soon as it goes on.',
    },
    safety: {
      headline: 'Paused for safety',
      body: 'Your driver has reported that something isn’t safe. Nothing opens meanwhile.',
    },
    tamper: {
      headline: 'Paused: a device needs checking',
      body: 'Something was wrong with the lock or the pump. Nothing opens until a person has looked.',
    },
    device_revoked: {
      headline: 'Paused: a device is no longer trusted',
      body: 'We took it out of service to be safe. Nothing opens meanwhile.',
    },
    vehicle_moved: {
      headline: 'Your car moved, so we withdrew the permission',
      body: 'What is under way ends first. Then you name your car once more.',
    },
  },
  stoppedBy: {
    customer_stopped: 'You stopped it.',
    store_cancelled: 'The store cancelled it.',
    staff_ended: 'Our team ended it.',
    device_revoked: 'A device was no longer trusted.',
    nothing_delivered: 'Nothing could be delivered.',
  },
  car: {
    title: 'Car',
    plate: 'Plate ends {plate}',
    bay: 'Bay {bay}',
    moved: 'I moved my car',
    movedTitle: 'Is the car standing somewhere else?',
    movedBody:
      'The permission for the old place ends at once, and you name your car once more. It has to stand at {venue} still, in any bay. For another place stop the delivery and ask the store.',
    movedAction: 'Yes, I moved it',
    plateLabel: 'Licence plate',
    plateHint: 'As it stands on the car. Spaces and dashes don’t matter.',
    plateHintEnds: 'As it stands on the car; the order says it ends {plate}.',
    plateMissing: 'Type the whole plate.',
  },
  intent: {
    title: 'You approve',
    car: 'Car',
    place: 'Place',
    time: 'Time',
    parts: 'What happens',
    change: 'Another car',
  },
  code: {
    show: 'Show my code',
    hide: 'Hide the code',
    title: 'Your code for {driver}',
    hint: 'Let {driver} scan this, or read the six digits aloud. Never send it to anyone.',
    qr: 'Scannable code',
    digits: 'Six-digit code',
    works: 'Works for',
    over: 'This code is over',
    fresh: 'Get a new code',
    issuesLeft: {
      none: 'This was the last code.',
      one: 'One more code after this.',
      many: '{count} more codes after this.',
    },
    offline: 'No connection: the digits still work until {time}.',
  },
  anew: {
    title: 'Does {driver} ask once more?',
    body: 'What is shown at the car counts for ten minutes. You can approve again, or show a new code.',
  },
  controls: {
    pause: 'Pause',
    resume: 'Go on',
    stop: 'Stop delivery',
    stopTitle: 'Stop this delivery?',
    stopBody:
      'It ends for good. Nothing can open your car afterwards; if something is open right now, your driver still shuts it.',
    stopAction: 'Stop it for good',
    stopKeep: 'Keep it',
  },
  receipt: {
    title: 'What happened',
    summary: 'Receipt',
    opened: 'Opened',
    closed: 'Locked again',
    reference: 'Reference',
  },
  history: {
    'session.created': 'Your order came in',
    'recipient.verified': 'You confirmed that it’s you',
    'binding.proposed': 'You named your car',
    'session.bound': 'You approved the delivery',
    'driver.assigned': 'A driver was assigned',
    'geofence.entered': 'The driver arrived at your car',
    'presence.proven': 'You confirmed at the car',
    'release.authorised': 'One opening was permitted',
    'command.sent': 'The device was told',
    'lock.opened': 'Opened',
    'lock.locked': 'Shut and locked',
    'goods.transferred': 'Goods were placed',
    'lock.secured': 'Locked with your goods inside',
    'fuel.authorized': 'The pump was switched on',
    'fuel.metered': 'Fuel is flowing',
    'fuel.dispensed': 'Fuelling ended',
    'fuel.settled': 'Fuel was settled',
    'release.not_executed': 'Nothing was opened',
    'release.unconfirmed': 'The device did not answer',
    'outcome.stated': 'A person cleared up what happened',
    'leg.taken_over': 'A person finished a part',
    'leg.failed': 'A part could not be done',
    'order.amended': 'The order was changed',
    'binding.voided': 'The permission for the old place ended',
    'session.held': 'Paused',
    'session.hold_eased': 'One of several pauses ended',
    'session.resumed': 'Went on',
    'session.revoked': 'Stopped for good',
    'session.expired': 'The time ran out',
    'session.completed': 'Done; all permissions are off',
    'exception.raised': 'Something unusual was noticed',
    'exceptions.capped': 'More unusual things were noticed',
  },
  /** What is said in other words of fuel. */
  ofFuel: {
    'release.authorised': 'One start of the pump was permitted',
    'release.not_executed': 'No fuel flowed',
  },
  estimate: {
    about: 'About {minutes} min away, by the straight line to your car.',
    soon: 'Less than a minute away.',
    none: 'No estimate yet. We’ll tell you when your driver is there.',
  },
  dispute: {
    report: 'Report a problem',
    title: 'What is wrong?',
    about: {
      missing: 'Something is missing',
      wrong_goods: 'Something else was delivered',
      damaged: 'Something is broken, spoilt or scratched',
      fuel: 'The fuel is not right',
      opening: 'My car was opened or stood open',
      other: 'Something else',
    },
    words: 'In your words, if you like',
    send: 'Send',
    hint: 'A person looks at it, with everything that was recorded. Possible until {time}.',
    opened: 'You reported a problem',
    waiting: 'We’re looking into it. You find our answer here by {time}.',
    upheld: 'You’re right. The store settles it with you.',
    rejected: 'What was recorded shows otherwise. The store can tell you more.',
  },
};
