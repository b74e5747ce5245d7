/** What stands around every page of the console. */

export const frame = {
  title: 'Carhop console',
  nav: {
    label: 'Console',
    stops: 'Stops',
    decisions: 'Decisions',
    devices: 'Devices',
    venues: 'Venues',
    policy: 'Policy',
    log: 'Audit log',
    open: 'Open the menu',
  },
  roles: {
    dispatcher: 'Dispatcher',
    support: 'Support',
    auditor: 'Auditor',
    administrator: 'Administrator',
  },

  signIn: {
    forgetful:
      'This browser keeps nothing for this page, as in a private window: after every reload you are asked to sign in again.',
    headline: 'Sign in to the console',
    body: 'Your passkey says who you are. There is no password.',
    action: 'Sign in with a passkey',
    invited: {
      headline: 'Welcome to the console',
      body: 'Make a passkey on this device. It is yours alone, and the link works once.',
      action: 'Set up your passkey',
    },
    refused: {
      title: 'That did not work',
      help: 'The link was used or has run out, or this passkey is not known. Ask an administrator for a new link.',
    },
    dismissed: {
      title: 'Nothing was chosen',
      help: 'The browser’s dialogue was closed or took too long. Try again.',
    },
    impossible: {
      title: 'This browser knows no passkeys',
      help: 'Use a current browser, and open the console by its name over HTTPS, not by an address of numbers.',
    },
    out: 'Sign out',
  },

  keys: {
    title: 'Keyboard',
    open: 'Keyboard shortcuts',
    next: 'Next row',
    previous: 'Previous row',
    choose: 'Open the row',
    search: 'Search',
    leave: 'Close or go back',
    queues: 'Queue by its number',
    pages: 'Go to stops, devices, venues, policy or the log',
    help: 'This list',
    then: 'then',
  },

  line: {
    live: 'Live',
    connecting: 'Connecting',
    lost: 'Not connected',
    age: 'Last heard {age} ago',
  },
  loading: 'Loading…',
  again: 'Try again',
  nowhere: {
    title: 'There is no such page',
    body: 'The address is not complete, or of another version.',
    leave: 'To the stops',
  },
  absent: {
    title: 'This page did not come',
    body: 'The line is gone, or the server has a newer console by now.',
    again: 'Load anew',
  },
  copy: 'Copy',
  copied: 'Copied',
  none: 'none',
  unknown: 'unknown',
  yes: 'yes',
  at: 'at {time}',
};
