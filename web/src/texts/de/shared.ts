/** What customers and drivers both read. */

import type * as en from '../en/shared';

export const shared: typeof en.shared = {
  language: 'Deutsch',
  units: { litres: '{litres} l', metres: '{metres} m' },

  time: {
    inSeconds: '{count} s',
    inMinutes: '{count} min',
    window: '{start} bis {end}',
    since: 'seit {time}',
    announce: 'noch {count} Sekunden',
  },

  common: {
    working: 'Einen Moment …',
    cancel: 'Abbrechen',
    close: 'Schließen',
    holdOn: 'Weiter halten …',
    holdLonger: 'Das war zu kurz. Halten Sie eine ganze Sekunde.',
    sure: {
      title: 'Jetzt ausführen?',
      body: 'Es geschieht sofort und nur einmal. Zurücknehmen lässt es sich nicht.',
      action: 'Ja, jetzt',
    },
    waitingFor: 'Wir warten auf {who}',
    yourDriver: 'Ihr Fahrer',
  },

  who: {
    you: 'Sie',
    driver: 'den Fahrer',
    store: 'das Geschäft',
    lock: 'das Schloss',
    pump: 'die Zapfsäule',
    team: 'unser Team',
  },

  line: {
    lost: 'Keine Verbindung.',
    age: 'Was Sie sehen, ist {age} alt.',
    reconnecting: 'Verbindung wird gesucht …',
    offlineCode: 'Ihr Code gilt weiter: Der Fahrer kann ihn lesen oder scannen.',
  },

  state: {
    requested: 'Neu',
    verified: 'Auto fehlt noch',
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
    title: 'Fortschritt',
    confirmed: 'Bestätigt',
    onTheWay: 'Unterwegs',
    atCar: 'Am Auto',
    done: 'Fertig',
    isDone: 'erledigt',
    isNow: 'jetzt',
    isNext: 'kommt noch',
  },

  leg: {
    goods: {
      pending: 'Noch nicht begonnen',
      never: 'Nicht geliefert',
      released: 'Öffnen ist erlaubt, einmal',
      commanded: 'Das Schloss antwortet gleich',
      open: 'Offen',
      shut: 'Zu; noch nicht bestätigt',
      unconfirmed: 'Zu; Ware nicht bestätigt',
      transferred: 'Ware ist drin, das Schloss fehlt noch',
      secured: 'Im Auto, verschlossen',
      indeterminate: 'Unklar, ob es aufging',
      failed: 'Ging nicht',
      taken_over: 'Von einem Menschen geklärt',
    },
    fuel: {
      pending: 'Noch nicht begonnen',
      never: 'Nicht getankt',
      authorised: 'Tanken ist erlaubt, einmal',
      commanded: 'Die Zapfsäule antwortet gleich',
      dispensing: 'Wird getankt',
      dispensed: 'Getankt, wird abgerechnet',
      settled: 'Fertig und abgerechnet',
      indeterminate: 'Unklar, ob etwas floss',
      failed: 'Ging nicht',
      taken_over: 'Von einem Menschen geklärt',
    },
    names: {
      trunk: 'Einkauf, in den Kofferraum',
      truck_bed: 'Einkauf, auf die Ladefläche',
      locker: 'Einkauf, ins Schließfach',
      cold_box: 'Gekühltes, in die Kühlbox',
      fuel: 'Kraftstoff',
    },
    forDriver: {
      trunk: 'Einkauf, Kofferraum',
      truck_bed: 'Einkauf, Ladefläche',
      locker: 'Einkauf, Schließfach',
      cold_box: 'Gekühltes, Kühlbox',
      fuel: 'Kraftstoff',
    },
    places: {
      trunk: 'Kofferraum',
      truck_bed: 'Ladefläche',
      locker: 'Schließfach',
      cold_box: 'Kühlbox',
    },
    grades: {
      regular: 'Normal',
      midgrade: 'Super',
      premium: 'Super Plus',
      diesel: 'Diesel',
    },
    ofLimit: '{litres} l von höchstens {limit} l',
    upTo: 'höchstens {limit} l',
    failedBecause: {
      jammed: 'Das Schloss klemmt.',
      nothing_dispensed: 'Es floss nichts. Sie zahlen nichts dafür.',
      window_closed: 'Dafür blieb keine Zeit.',
    },
  },

  forgetful: {
    headline: 'Dieses Fenster merkt sich nichts',
    body: 'Die Seite braucht einen Schlüssel, den sich der Browser merkt, und ein privates Fenster tut das nicht. Öffnen Sie den Link in einem normalen Fenster; er ist nicht verbraucht.',
  },
};
