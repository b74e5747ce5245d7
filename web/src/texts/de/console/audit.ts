/** Decisions, policies, and the log that proves them. */

import type * as en from '../../en/console/audit';

export const audit: typeof en.audit = {
  decision: {
    find: 'Jede Entscheidung hat eine Referenz; Ablehnungen nennen ihre, und ein Stopp führt seine auf. Fügen Sie eine ein, oder die Referenz eines Stopps.',
    findLabel: 'Referenz einer Entscheidung oder eines Stopps',
    findAction: 'Nachschlagen',
    strange: 'Das ist keine Referenz einer Entscheidung oder eines Stopps. Kopieren Sie die ganze.',
    missing: {
      title: 'Diese Entscheidung gibt es nicht',
      body: 'Die Referenz stimmt vielleicht nicht, oder die Entscheidung gehört zu einem anderen Konto.',
    },
    toStop: 'Der Stopp',
    required: 'Was verlangt war',
    metOf: '{met} von {all} erfüllt',
    allMet: '{count} weitere erfüllte zeigen',
    inputs: 'Eingaben, wie sie ausgewertet wurden',
    inputsNote:
      'Genau das, wonach die Regeln in diesem Moment gefragt wurden. Nichts davon nennt einen Menschen.',
    fact: 'Tatsache',
    value: 'Wert',
    policy: 'Regeln',
    version: 'Fassung',
    inForce: 'In Kraft',
    replaced: 'nein, inzwischen ersetzt',
    deciding: 'Entschieden durch',
  },

  policy: {
    version: 'Fassung',
    since: 'in Kraft seit {time}',
    shipped: 'in Kraft seit dem Start',
    views: { matrix: 'Matrix', requirements: 'Anforderungen', files: 'Dateien' },
    matrixNote:
      'Wer was verlangen darf, in welchem Zustand eines Stopps: aus den Regeln, die gelten.',
    action: 'Was verlangt wird',
    state: 'Zustand des Stopps',
    cells: { always: 'erlaubt', evidence: 'mit Beleg', never: 'nein' },
    lifts: 'Was der Beleg zeigen muss',
    requirement: 'Anforderung',
    appliesTo: 'Gilt für',
    everything: 'alles',
    actors: {
      customer: 'Kunde',
      driver: 'Fahrer',
      store: 'Geschäft',
      staff: 'Team',
      device: 'Gerät',
      system: 'Carhop selbst',
    },
    actions: {
      bind_vehicle: 'Auto nennen',
      confirm_arrival: 'Am Auto ankommen',
      accept_proof: 'Zustimmung des Kunden belegen',
    },
  },

  log: {
    state: 'Das unterschriebene Protokoll',
    sound: 'Das Protokoll ist das unterschriebene',
    broken: 'Das Protokoll hält nicht',
    entries: 'Unterschriebene Einträge',
    before: '({count}, als dieser Browser zuletzt hinsah)',
    origin: 'Herkunft',
    latest: 'Während es geschieht',
    waiting: 'Warten auf den nächsten Eintrag …',
    changed:
      'Nach einer Wiederherstellung aus einer Kopie oder mit einem neuen Schlüssel passt ein Protokoll nicht zu dem, was ein Browser vom früheren behalten hat. Genauso sieht es aus, wenn es jemand gefälscht hat.',
    renew: 'Es wurde wiederhergestellt oder hat einen neuen Schlüssel',
    renewTitle: 'Diesem Protokoll von nun an vertrauen?',
    renewBody:
      'Lassen Sie sich den Schlüssel von denen vorlesen, die den Server betreiben („carhop audit vkey“), nicht von dieser Seite, und vergleichen Sie jedes Zeichen. Was dieser Browser vom früheren Protokoll behalten hat, wird vergessen.',
    former: 'Der Schlüssel bisher',
    shown: 'Der Schlüssel, der jetzt gezeigt wird',
    renewAction: 'Verglichen: ihm vertrauen',
  },

  proof: {
    title: 'Beweis',
    again: 'Noch einmal prüfen',
    outcomes: {
      checking: {
        title: 'Wird geprüft …',
        body: 'Dieser Browser rechnet Hashes und Unterschrift selbst nach.',
      },
      proven: {
        title: 'In diesem Browser bewiesen',
        body: 'Die Entscheidung steht im unterschriebenen Protokoll, und seither hat niemand sie geändert.',
      },
      broken: {
        title: 'Das stimmt nicht',
        body: 'Etwas wurde geändert, oder das Protokoll wurde umgeschrieben. Verlassen Sie sich nicht auf diese Anzeige; der Schritt, der nicht hält, ist markiert.',
      },
      waiting: {
        title: 'Noch nicht unterschrieben',
        body: 'Der Eintrag wartet auf die nächste Unterschrift. Prüfen Sie in einigen Sekunden noch einmal.',
      },
      failed: {
        title: 'Ließ sich nicht prüfen',
        body: 'Das Protokoll war nicht erreichbar, oder dieser Browser kann es nicht. Die Kommandozeile kann es: Sie prüft ein ausgeleitetes Protokoll.',
      },
    },
    steps: {
      key: {
        holds: 'Der Schlüssel des Protokolls ist der, den dieser Browser kennt.',
        broken: 'Der Schlüssel des Protokolls ist ein anderer als früher, oder er ist keiner.',
        open: 'Der Schlüssel wurde nicht angesehen.',
      },
      checkpoint: {
        holds: 'Der Stand ist mit diesem Schlüssel unterschrieben.',
        broken: 'Der Stand ist nicht mit diesem Schlüssel unterschrieben.',
        open: 'Der Stand wurde nicht angesehen.',
      },
      continues: {
        holds: 'Das Protokoll setzt fort, was dieser Browser früher gesehen hat.',
        broken:
          'Das Protokoll setzt nicht fort, was dieser Browser früher gesehen hat: Es wurde umgeschrieben oder gekürzt.',
        open: 'Dieser Browser hat das Protokoll noch nie gesehen und merkt sich seinen Stand ab jetzt.',
      },
      included: {
        holds: 'Der Eintrag führt zu der Wurzel, die unterschrieben ist.',
        broken: 'Der Eintrag führt nicht zu der Wurzel, die unterschrieben ist.',
        open: 'Der Eintrag ist neuer als der letzte unterschriebene Stand.',
      },
      entry: {
        holds: 'Der Eintrag handelt von dieser Entscheidung und legt das Gespeicherte fest.',
        broken: 'Der Eintrag handelt von etwas anderem, oder das Gespeicherte wurde geändert.',
        open: 'Der Eintrag wurde nicht angesehen.',
      },
      record: {
        holds: 'Der Datensatz mit den Eingaben ist der, den der Eintrag festlegt.',
        broken: 'Der Datensatz mit den Eingaben ist nicht der, den der Eintrag festlegt.',
        open: 'Der Server zeigt den Datensatz nicht im Wortlaut, seine Eingaben sind also nicht abgedeckt.',
      },
    },
    size: '{count} Einträge',
    way: 'Der Weg vom Eintrag zur Wurzel',
    position: 'Stelle',
    leaf: 'Blatt',
    beside: 'Daneben, Ebene {level}',
    root: 'Wurzel',
    key: 'Schlüssel',
    keep: 'Das Geprüfte aufbewahren',
  },
};
