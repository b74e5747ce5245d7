/** What drivers read. */

import type * as en from '../en/driver';

export const driver: typeof en.driver = {
  title: 'Halte',
  setUp: {
    headline: 'Dieses Telefon einrichten',
    body: 'Es bekommt einen eigenen, für Sie bescheinigten Schlüssel. Der Link gilt einmal.',
    action: 'Dieses Telefon einrichten',
    again: {
      headline: 'Dieses Telefon ist schon eingerichtet',
      body: 'Durch diesen Link wird es ein anderes Gerät. Halte, die es jetzt hat, kann es nicht fortsetzen. Der Link gilt einmal.',
      action: 'Neu einrichten',
      keep: 'So lassen',
    },
    none: {
      headline: 'Dieses Telefon ist nicht eingerichtet',
      body: 'Bitten Sie die Leitstelle um einen Link und öffnen Sie ihn hier.',
    },
    used: {
      headline: 'Dieser Link gilt nicht mehr',
      body: 'Er wurde schon benutzt. Bitten Sie die Leitstelle um einen neuen.',
    },
    waiting: {
      headline: 'Dieses Telefon ist eingerichtet',
      body: 'Die Leitstelle meldet Sie darauf an: Es heißt {device}. Ihre Halte erscheinen dann hier von selbst.',
    },
    over: {
      headline: 'Ihre Anmeldung auf diesem Telefon ist zu Ende',
      body: 'Von hier lässt sich nichts öffnen. Lassen Sie alles zu und bitten Sie die Leitstelle um einen neuen Link. Was Sie bestätigt haben, bleibt erhalten.',
    },
  },
  gone: {
    headline: 'Dieser Halt gehört nicht mehr Ihnen',
    body: 'Er wurde jemand anderem gegeben oder zurückgenommen. Von diesem Telefon öffnet sich nichts. Stehen Sie am Auto, rufen Sie die Leitstelle an.',
  },
  list: {
    none: 'Gerade keine Halte',
    done: 'Alle Halte sind erledigt',
    noneBody: 'Neue Halte erscheinen hier von selbst.',
    back: 'Alle Halte',
  },
  device: {
    tier: {
      none: 'Gerät ohne Vertrauen',
      self_reported: 'Gerät berichtet selbst',
      certified: 'Bescheinigter Browser',
      attested: 'Geprüftes Gerät',
    },
    browserLimits: 'Im Browser: nur einfache Einkäufe, nie Kraftstoff.',
    until: 'Angemeldet bis {time}',
  },
  state: {
    requested: 'Wartet auf den Kunden',
    verified: 'Wartet auf den Kunden',
    vehicle_bound: 'Alles bereit',
    en_route: 'Unterwegs',
    arrived: 'Am Auto',
    handoff_ready: 'Bereit zum Öffnen',
    in_service: 'Läuft',
    completed: 'Fertig',
    revoked: 'Gestoppt',
    expired: 'Abgelaufen',
    held: 'Angehalten',
  },
  steps: {
    customerFirst: {
      title: 'Warten Sie auf den Kunden',
      body: 'Das Auto muss bestätigt werden und steht vielleicht woanders. Es geht von selbst weiter.',
    },
    plate: {
      title: 'Zum Auto: {car}, Kennzeichen endet auf {plate}',
      body: '{venue}. Lesen Sie am Auto das ganze Kennzeichen und tippen Sie es ein.',
    },
    wrongCar: {
      pill: 'Falsches Auto',
      title: 'Falsches Auto. Halt!',
      body: 'Gesucht: {car}, Kennzeichen endet auf {plate}. Lesen Sie noch einmal.',
    },
    arrive: {
      title: 'Richtiges Auto. Stehen Sie daneben?',
      body: 'Sagen Sie es hier, sobald Sie neben ihm stehen.',
      rest: 'Bleiben Sie kurz stehen, damit Ihr Ort sicher ist.',
    },
    prove: {
      title: 'Bitten Sie um den Code des Kunden',
      body: 'Scannen Sie ihn oder tippen Sie die sechs Ziffern. Gibt der Kunde am Telefon frei, geht es von selbst weiter.',
    },
    unlock: {
      title: 'Bereit zum Öffnen: {place}',
      body: 'Es öffnet sich einmal. Halten Sie den Knopf eine Sekunde.',
    },
    startPump: {
      title: 'Bereit: Zapfsäule starten',
      body: 'Sie startet einmal, bis zur Grenze. Halten Sie den Knopf eine Sekunde.',
    },
    waitLock: {
      title: 'Das Schloss antwortet gleich',
      body: 'Es dauert wenige Sekunden. Nicht noch einmal versuchen.',
    },
    waitPump: {
      title: 'Die Zapfsäule antwortet gleich',
      body: 'Es dauert wenige Sekunden. Nicht noch einmal versuchen.',
    },
    load: { title: 'Einkauf hineinlegen', body: 'Ist alles drin, sagen Sie es hier: {place}.' },
    shut: {
      title: 'Zuklappen: {place}',
      body: 'Es schließt von selbst ab, und hier geht es von selbst weiter.',
    },
    fuelling: {
      title: 'Es wird getankt',
      body: 'Bleiben Sie an der Zapfsäule. Sie hört an der Grenze von selbst auf.',
    },
    unclear: {
      title: 'Sehen Sie nach: {place} offen oder zu?',
      body: 'Das Schloss hat nicht geantwortet. Es wird nichts wiederholt. Sagen Sie der Leitstelle, was Sie sehen.',
    },
    unclearFuel: {
      title: 'Sehen Sie nach: Floss Kraftstoff?',
      body: 'Die Zapfsäule hat nicht geantwortet. Es wird nichts wiederholt. Sagen Sie der Leitstelle, was Sie sehen.',
    },
    between: { title: 'Einen Moment', body: 'Der letzte Teil wird abgeschlossen.' },
    held: {
      title: 'Angehalten. Warten Sie.',
      body: 'So lange öffnet sich nichts. Lassen Sie alles, wie es ist.',
    },
    done: { title: 'Halt erledigt', body: 'Alle Erlaubnisse für dieses Auto sind aus.' },
    stopped: {
      title: 'Gestoppt. Behalten Sie die Ware bei sich.',
      body: 'Die Erlaubnis wurde zurückgezogen. Es öffnet sich nichts mehr.',
    },
    stoppedOpen: {
      title: 'Gestoppt. Zuklappen: {place}',
      body: 'Schließt von selbst. Nichts öffnet sich mehr.',
    },
    stoppedUnclear: {
      title: 'Gestoppt. Eines war schon unterwegs.',
      body: 'Wir fragen nach, was daraus wurde. Halten Sie Abstand von Klappe und Zapfsäule.',
    },
    expired: { title: 'Das Zeitfenster ist vorbei', body: 'Es öffnet sich nichts mehr.' },
  },
  actions: {
    plate: 'Kennzeichen prüfen',
    arrive: 'Ich bin am Auto',
    prove: 'Code prüfen',
    unlock: 'Halten zum Öffnen',
    pump: 'Halten zum Starten',
    loaded: 'Einkauf ist drin',
    next: 'Nächster Halt',
    unsafe: 'Nicht sicher',
    scan: 'Code scannen',
    sign: 'Schild am Platz scannen oder tippen',
    scanTag: 'Schild scannen',
    typeTag: 'Code vom Schild tippen',
    stopScan: 'Nicht mehr scannen',
  },
  fields: {
    plate: 'Kennzeichen am Auto',
    code: 'Sechsstelliger Code',
    tag: 'Code auf dem Schild',
  },
  scan: {
    looking: 'Richten Sie die Kamera auf den Code',
    tip: 'Näher heran und ohne Spiegelung. Oder tippen Sie den Code unten.',
    denied:
      'Die Kamera ist nicht erlaubt. Erlauben Sie sie in den Einstellungen des Browsers für diese Seite, oder tippen Sie den Code.',
    missing: 'Hier gibt es keine Kamera. Tippen Sie den Code.',
    broken: 'Die Kamera geht in diesem Browser nicht. Tippen Sie den Code.',
  },
  place: {
    none: 'Ort: noch unbekannt',
    inside: 'Ort: im Bereich des Autos',
    outside: 'Ort: {distance} entfernt',
    resting: 'Ort: im Bereich. Bleiben Sie kurz stehen.',
    uncertain: 'Ort: unsicher. Scannen Sie das Schild.',
    sign: 'Ort: Das Schild am Platz ist gelesen',
    played: 'Demo: Diese Seite gibt an, am Auto zu stehen, wo immer Sie sind.',
  },
  permission: 'Erlaubnis für dieses Auto',
  offline:
    'Ohne Verbindung lässt sich nichts öffnen. Was Sie bestätigen, bleibt hier und wird später gesendet.',
  kept: {
    one: 'Eine Bestätigung wartet auf das Senden',
    many: '{count} Bestätigungen warten auf das Senden',
  },
  keptHere: 'Auf diesem Telefon aufgehoben; es wird gesendet.',
  refused: 'Eine Bestätigung wurde nicht angenommen',
  refusedAt: 'Eine Bestätigung für Halt {stop} wurde nicht angenommen',
  unsafe: {
    title: 'Ist etwas nicht sicher?',
    body: 'Alles hält sofort an, und die Leitstelle erfährt es. Bis jemand nachgesehen hat, öffnet sich nichts.',
    action: 'Alles anhalten',
  },
};
