/**
 * English. What a place such as `{driver}` stands for is filled in by whoever shows the text. Headlines are in the present
 * tense, name whom we wait for and blame nobody; none says a code of the interface.
 */

const askAgain = 'Please try again.';
const teamLooks = 'Our team is looking into it.';
const driverContinues = 'Your driver takes care of it.';

export const en = {
  language: 'English',
  units: { litres: '{litres} L', metres: '{metres} m' },

  time: {
    inSeconds: '{count} s',
    inMinutes: '{count} min',
    ago: '{time} ago',
    until: 'until {time}',
    window: '{start} to {end}',
    left: '{time} left',
    since: 'for {time}',
    announce: '{count} seconds left',
  },

  common: {
    working: 'One moment…',
    cancel: 'Cancel',
    close: 'Close',
    back: 'Back',
    tryAgain: 'Try again',
    holdOn: 'Keep holding…',
    sure: {
      title: 'Go ahead?',
      body: 'It happens at once, and only once. It cannot be taken back.',
      action: 'Yes, now',
    },
    copy: 'Copy',
    copied: 'Copied',
    waitingFor: 'Waiting for {who}',
    yourDriver: 'Your driver',
    skip: 'Skip to the main part',
  },

  who: {
    you: 'you',
    driver: 'your driver',
    store: 'the store',
    lock: 'the lock',
    pump: 'the pump',
    team: 'our team',
    check: 'a check',
  },

  line: {
    lost: 'No connection.',
    age: 'What you see is {age} old.',
    reconnecting: 'Trying to reconnect…',
    back: 'Connected again.',
    offlineCode: 'Your code still works: your driver can read or scan it.',
    ended: 'This page is no longer connected to your delivery.',
  },

  state: {
    requested: 'New',
    verified: 'Car needed',
    vehicle_bound: 'Ready to go',
    en_route: 'On the way',
    arrived: 'At your car',
    handoff_ready: 'Ready to open',
    in_service: 'In progress',
    completed: 'Done',
    revoked: 'Stopped',
    expired: 'Expired',
    held: 'Paused',
  },

  steps: {
    title: 'Progress',
    confirmed: 'Confirmed',
    onTheWay: 'On the way',
    atCar: 'At your car',
    done: 'Done',
    isDone: 'done',
    isNow: 'now',
    isNext: 'to come',
  },

  leg: {
    goods: {
      pending: 'Not started yet',
      never: 'Not delivered',
      released: 'Opening is allowed, once',
      commanded: 'Waiting for the lock to answer',
      open: 'Open',
      shut: 'Shut; not confirmed yet',
      unconfirmed: 'Shut; goods not confirmed',
      transferred: 'Goods are in; waiting for the lock',
      secured: 'In the car, locked',
      indeterminate: 'Not sure whether it opened',
      failed: 'Could not be done',
      taken_over: 'Cleared up by a person',
    },
    fuel: {
      pending: 'Not started yet',
      never: 'No fuel',
      authorised: 'Fuelling is allowed, once',
      commanded: 'Waiting for the pump to answer',
      dispensing: 'Fuelling',
      dispensed: 'Fuel is in; being settled',
      settled: 'Done and settled',
      indeterminate: 'Not sure whether fuel flowed',
      failed: 'Could not be done',
      taken_over: 'Cleared up by a person',
    },
    names: {
      trunk: 'Groceries, into your trunk',
      truck_bed: 'Groceries, into your truck bed',
      locker: 'Groceries, into the locker',
      cold_box: 'Cold groceries, into the cold box',
      fuel: 'Fuel',
    },
    forDriver: {
      trunk: 'Groceries, trunk',
      truck_bed: 'Groceries, truck bed',
      locker: 'Groceries, locker',
      cold_box: 'Cold groceries, cold box',
      fuel: 'Fuel',
    },
    places: {
      trunk: 'trunk',
      truck_bed: 'truck bed',
      locker: 'locker',
      cold_box: 'cold box',
    },
    grades: {
      regular: 'Regular',
      midgrade: 'Midgrade',
      premium: 'Premium',
      diesel: 'Diesel',
    },
    ofLimit: '{litres} of up to {limit} litres',
    upTo: 'up to {limit} litres',
    failedBecause: {
      jammed: 'The lock is stuck.',
      nothing_dispensed: 'No fuel flowed. You pay nothing for it.',
      window_closed: 'There was no time left for it.',
    },
  },

  forgetful: {
    headline: 'This window keeps nothing',
    body: 'The page needs a key that this browser remembers, and a private window does not. Open the link in a normal window; it has not been used up.',
  },

  customer: {
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
      window: 'Between',
      moved: 'I moved my car',
      movedTitle: 'Is the car standing somewhere else?',
      movedBody:
        'The permission for the old place ends at once, and you name your car once more. It has to stand at {venue} still, in any bay. For another place stop the delivery and ask the store.',
      movedAction: 'Yes, I moved it',
      plateLabel: 'Licence plate',
      plateHint: 'As it stands on the car. Spaces and dashes don’t matter.',
      plateHintEnds: 'As it stands on the car; the order says it ends {plate}.',
      plateMissing: 'Type the whole plate.',
      at: 'at {venue}',
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
      placed: 'Goods placed',
      closed: 'Locked again',
      fuelled: 'Dispensed',
      notDone: 'Not done',
      print: 'Print',
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
      'session.resumed': 'Went on',
      'session.revoked': 'Stopped for good',
      'session.expired': 'The time ran out',
      'session.completed': 'Done; all permissions are off',
      'exception.raised': 'Something unusual was noticed',
      'exceptions.capped': 'More unusual things were noticed',
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
  },

  driver: {
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
      none: 'No stops yet',
      noneBody: 'New stops appear here by themselves.',
      open: 'Open',
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
        body: 'Stand still for a moment, so that your place is certain.',
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
      scanTag: 'Scan the bay sign',
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
  },

  problems: {
    offline: { title: 'No connection', help: 'Move to where there is signal, then try again.' },
    invalid_request: { title: 'That could not be understood', help: 'Check what you typed.' },
    unauthenticated: {
      title: 'This device is not recognised',
      help: 'Open your link again, or ask for a new one.',
    },
    use_dpop_nonce: { title: 'Please try again', help: askAgain },
    insufficient_scope: { title: 'You may not do this', help: 'Somebody else has to do this.' },
    not_found: { title: 'This is not there any more', help: 'Open your link again.' },
    method_not_allowed: { title: 'That did not work', help: askAgain },
    contended: { title: 'Something else happened at the same moment', help: askAgain },
    payload_too_large: { title: 'That is too much at once', help: 'Send less.' },
    unsupported_media_type: { title: 'That did not work', help: askAgain },
    too_many_requests: { title: 'Too many tries', help: 'Wait a minute, then try again.' },
    overloaded: { title: 'Very busy right now', help: 'Try again in a moment.' },
    storage_full: { title: 'Not possible right now', help: 'You can still stop the delivery.' },
    unavailable: { title: 'Not reachable right now', help: 'Try again in a moment.' },
    pages_not_built: { title: 'This page is not there', help: teamLooks },
    internal: { title: 'Something went wrong on our side', help: teamLooks },
    unknown: {
      title: 'That was refused',
      help: 'That was refused, for a reason this page does not know. Load it again.',
    },
  },

  reasons: {
    session_closed: {
      customer: 'This delivery has ended.',
      driver: 'This stop has ended. Nothing more opens.',
    },
    manual_hold: {
      customer: 'The delivery is paused, so nothing opens.',
      driver: 'The stop is paused. Wait until it goes on.',
    },
    order_changed: {
      customer: 'The order was changed meanwhile. Please look again.',
      driver: 'The order was changed. Load the stop again and ask anew.',
    },
    not_possible_now: {
      customer: 'This is not possible at this moment.',
      driver: 'Not possible yet. Do the step that is shown first.',
    },
    actor_not_allowed: {
      customer: 'This has to be done by somebody else.',
      driver: 'This is for somebody else to do.',
    },
    leg_unknown: {
      customer: 'Your order has no such part.',
      driver: 'The order has no such part.',
    },
    leg_finished: {
      customer: 'This part is done already.',
      driver: 'This part is done. Go on to the next one.',
    },
    release_under_way: {
      customer: 'An opening is under way. It ends first.',
      driver: 'An opening is under way. Wait for its receipt.',
    },
    outcome_unknown: {
      customer: 'We first have to find out whether it opened.',
      driver: 'Nobody knows yet whether it opened. Look, and tell dispatch.',
    },
    leg_out_of_order: {
      customer: 'Another part comes first.',
      driver: 'Finish the earlier part first.',
    },
    finished_leg_changed: {
      customer: 'A part that is done cannot be changed.',
      driver: 'A part that is done cannot be changed.',
    },
    releases_exhausted: {
      customer: 'It was tried as often as is allowed. ' + teamLooks,
      driver: 'It was tried as often as is allowed. Call dispatch.',
    },
    window_not_open: {
      customer: 'The agreed time has not begun yet.',
      driver: 'Too early. Wait for the start of the window.',
    },
    window_closed: {
      customer: 'The agreed time is over.',
      driver: 'The window is over. Nothing opens any more.',
    },
    conflicts_with_earlier_request: { customer: askAgain, driver: askAgain },
    intent_not_proposed: {
      customer: 'First tell us which car it is.',
      driver: 'The customer has not named the car yet.',
    },
    recipient_not_verified: {
      customer: 'Please confirm on this phone that it’s you.',
      driver: 'The customer has to confirm on their phone.',
    },
    intent_not_approved: {
      customer: 'You have not approved this delivery yet.',
      driver: 'The customer has not approved yet.',
    },
    vehicle_not_matched: {
      customer: 'The driver has not checked your plate yet.',
      driver: 'Read the plate at the car first.',
    },
    vehicle_mismatch: {
      customer: 'That plate is not the one of this order. Look at what you typed.',
      driver: 'Wrong car. Stop, and find the right one.',
    },
    plate_attempts_exhausted: {
      customer: 'Too many plates that are not the car’s. Ask the store for a new link.',
      driver: 'Too many wrong plates. Call dispatch.',
    },
    vehicle_moving: {
      customer: 'The car moves, or has moved since you named it.',
      driver: 'The car is moving or has moved. Wait.',
    },
    driver_not_assigned: {
      customer: 'No driver has this delivery yet.',
      driver: 'This stop is not yours, or not on this device.',
    },
    place_not_proven: {
      customer: 'The driver’s place is not certain yet.',
      driver: 'Your place is not known. Wait for a position, or scan the sign.',
    },
    place_outside: {
      customer: 'The driver is not at your car yet, so nothing opens.',
      driver: 'You are not at the car’s zone. Go closer.',
    },
    place_uncertain: {
      customer: 'Location is weak there. ' + driverContinues,
      driver: 'Location is too weak. Scan the sign in the bay.',
    },
    place_disagrees: {
      customer: 'Driver and car are not at the same place.',
      driver: 'You and the car are not at the same place. Look where it stands.',
    },
    service_not_permitted_here: {
      customer: 'This is not allowed at this place.',
      driver: 'This is not allowed here. Call dispatch.',
    },
    token_missing: { customer: askAgain, driver: 'The permission was not sent along. Try again.' },
    token_expired: { customer: askAgain, driver: 'The permission has run out. Ask for a new one.' },
    token_too_old: { customer: askAgain, driver: 'The permission is too old. Ask for a new one.' },
    token_revoked: {
      customer: 'The permission was withdrawn.',
      driver: 'The permission was withdrawn. Load the stop again.',
    },
    token_spent: { customer: askAgain, driver: 'The permission was used. Ask for a new one.' },
    token_scope: { customer: askAgain, driver: 'The permission is for something else.' },
    token_binding: {
      customer: 'The permission belongs to another device.',
      driver: 'The permission belongs to another device or car.',
    },
    token_too_wide: { customer: askAgain, driver: 'That asks for more than is allowed.' },
    device_untrusted: {
      customer: 'Your driver’s device needs a check. Nothing opens.',
      driver: 'This device is not trusted. Call dispatch and use another one.',
    },
    device_not_attested: {
      customer: 'Your driver’s device needs a check. Nothing opens.',
      driver: 'This device has to be checked again.',
    },
    device_tier_too_low: {
      customer: 'Your driver’s device is not good enough for this.',
      driver: 'This device may not do this. Use the native app on a checked device.',
    },
    actuator_integrity_unknown: {
      customer: 'We could not make sure the device is sound, so it stays shut.',
      driver: 'The lock or pump has not proven itself. Reconnect it; it stays shut until then.',
    },
    actuator_untrusted: {
      customer: 'We could not make sure the device is sound, so it stays shut.',
      driver: 'The lock or pump is not trusted. Leave it shut.',
    },
    actuator_frozen: {
      customer: 'A device was taken out of service to be safe.',
      driver: 'Two devices claim to be this one. Leave it shut and call dispatch.',
    },
    actuator_unreachable: {
      customer: 'The lock or pump is not answering. ' + driverContinues,
      driver: 'The lock or pump is not connected. Go closer to it and try again.',
    },
    actuator_busy: {
      customer: 'The device is still busy with another delivery.',
      driver: 'The lock or pump still serves another stop. Finish that one first.',
    },
    presence_not_proven: {
      customer: 'Approve at the car, or show your code.',
      driver: 'Ask the customer for the code or the approval.',
    },
    code_wrong: {
      customer: 'That code did not match.',
      driver: 'That code did not match. Ask for the one shown now.',
    },
    code_expired: {
      customer: 'That code is over. Get a new one.',
      driver: 'That code is over. Ask for a new one.',
    },
    code_spent: {
      customer: 'That code was used already. Get a new one.',
      driver: 'Old code: it was used already. Ask for a new one.',
    },
    code_attempts_exhausted: {
      customer: 'The code was tried too often. Get a new one, or approve here.',
      driver: 'Too many tries. Ask for a new code, or for the approval.',
    },
    code_issues_exhausted: {
      customer: 'There are no more codes for this delivery. Approve it here instead.',
      driver: 'There are no more codes. Ask for the approval instead.',
    },
    handoff_type_not_allowed: {
      customer: 'These goods cannot be handed over in this way.',
      driver: 'These goods may not be left in the car.',
    },
    age_proof_missing: {
      customer: 'Somebody has to check your age in person.',
      driver: 'Check the recipient’s age in person.',
    },
    rung_too_low: {
      customer: 'One more confirmation is needed for this delivery.',
      driver: 'One more proof is needed. Ask for code and approval.',
    },
    policy_default_deny: {
      customer: 'The rules for this delivery do not allow it. ' + teamLooks,
      driver: 'The rules do not allow it. Call dispatch.',
    },
    policy_error: {
      customer: 'Something went wrong on our side, so nothing opens.',
      driver: 'Something went wrong, so the answer is no. Call dispatch.',
    },
  },
};

/** What every language has. */
export type Texts = typeof en;
