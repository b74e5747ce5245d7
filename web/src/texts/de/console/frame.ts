/** What stands around every page of the console. */

import type * as en from '../../en/console/frame';

export const frame: typeof en.frame = {
  title: 'Carhop-Leitstand',
  nav: {
    label: 'Leitstand',
    stops: 'Stopps',
    decisions: 'Entscheidungen',
    devices: 'Geräte',
    venues: 'Orte',
    policy: 'Regeln',
    log: 'Protokoll',
    open: 'Menü öffnen',
  },
  roles: {
    dispatcher: 'Disposition',
    support: 'Support',
    auditor: 'Prüfung',
    administrator: 'Verwaltung',
  },

  signIn: {
    forgetful:
      'Dieser Browser behält für diese Seite nichts, wie in einem privaten Fenster: Nach jedem Neuladen melden Sie sich neu an.',
    headline: 'Am Leitstand anmelden',
    body: 'Ihr Passkey sagt, wer Sie sind. Ein Passwort gibt es nicht.',
    action: 'Mit Passkey anmelden',
    invited: {
      headline: 'Willkommen am Leitstand',
      body: 'Legen Sie auf diesem Gerät einen Passkey an. Er gehört nur Ihnen, und der Link gilt einmal.',
      action: 'Passkey anlegen',
    },
    refused: {
      title: 'Das hat nicht geklappt',
      help: 'Der Link wurde schon benutzt oder ist abgelaufen, oder dieser Passkey ist nicht bekannt. Bitten Sie die Verwaltung um einen neuen Link.',
    },
    dismissed: {
      title: 'Es wurde nichts gewählt',
      help: 'Der Dialog des Browsers wurde geschlossen oder war zu lange offen. Versuchen Sie es noch einmal.',
    },
    impossible: {
      title: 'Dieser Browser kennt keine Passkeys',
      help: 'Nehmen Sie einen aktuellen Browser und öffnen Sie den Leitstand über HTTPS unter seinem Namen, nicht unter einer Adresse aus Zahlen.',
    },
    out: 'Abmelden',
  },

  keys: {
    title: 'Tastatur',
    open: 'Tastenkürzel',
    next: 'Nächste Zeile',
    previous: 'Vorige Zeile',
    choose: 'Zeile öffnen',
    search: 'Suchen',
    leave: 'Schließen oder zurück',
    queues: 'Liste nach ihrer Nummer',
    pages: 'Zu Stopps, Geräten, Orten, Regeln oder Protokoll',
    help: 'Diese Übersicht',
    then: 'dann',
  },

  line: {
    live: 'Live',
    connecting: 'Verbinde',
    lost: 'Nicht verbunden',
    age: 'Zuletzt vor {age} gehört',
  },
  loading: 'Wird geladen …',
  again: 'Noch einmal',
  nowhere: {
    title: 'Diese Seite gibt es nicht',
    body: 'Die Adresse ist nicht vollständig oder von einer anderen Fassung.',
    leave: 'Zu den Stopps',
  },
  absent: {
    title: 'Diese Seite ist nicht gekommen',
    body: 'Die Verbindung ist weg, oder der Server hat inzwischen einen neueren Leitstand.',
    again: 'Neu laden',
  },
  copy: 'Kopieren',
  copied: 'Kopiert',
  none: 'keine',
  unknown: 'unbekannt',
  yes: 'ja',
  at: 'um {time}',
};
