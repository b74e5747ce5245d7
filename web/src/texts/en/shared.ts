/** What customers and drivers both read. */

export const shared = {
  language: 'English',
  units: { litres: '{litres} L', metres: '{metres} m' },

  time: {
    inSeconds: '{count} s',
    inMinutes: '{count} min',
    window: '{start} to {end}',
    since: 'for {time}',
    announce: '{count} seconds left',
  },

  common: {
    working: 'One moment…',
    cancel: 'Cancel',
    close: 'Close',
    holdOn: 'Keep holding…',
    holdLonger: 'That was too short. Hold it for a whole second.',
    sure: {
      title: 'Go ahead?',
      body: 'It happens at once, and only once. It cannot be taken back.',
      action: 'Yes, now',
    },
    waitingFor: 'Waiting for {who}',
    yourDriver: 'Your driver',
  },

  who: {
    you: 'you',
    driver: 'your driver',
    store: 'the store',
    lock: 'the lock',
    pump: 'the pump',
    team: 'our team',
  },

  line: {
    lost: 'No connection.',
    age: 'What you see is {age} old.',
    reconnecting: 'Trying to reconnect…',
    offlineCode: 'Your code still works: your driver can read or scan it.',
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
    ofLimit: '{litres} L of up to {limit} L',
    upTo: 'up to {limit} L',
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
};
