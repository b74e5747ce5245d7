/** German. */

import type { Texts } from './en';

const nochmal = 'Bitte versuchen Sie es noch einmal.';
const wirPruefen = 'Unser Team sieht es sich an.';
const fahrerMacht = 'Ihr Fahrer kümmert sich darum.';

export const de: Texts = {
  language: 'Deutsch',
  units: { litres: '{litres} l', metres: '{metres} m' },

  time: {
    inSeconds: '{count} s',
    inMinutes: '{count} min',
    ago: 'vor {time}',
    until: 'bis {time}',
    window: '{start} bis {end}',
    left: 'noch {time}',
    since: 'seit {time}',
    announce: 'noch {count} Sekunden',
  },

  common: {
    working: 'Einen Moment …',
    cancel: 'Abbrechen',
    close: 'Schließen',
    back: 'Zurück',
    tryAgain: 'Noch einmal',
    holdOn: 'Weiter halten …',
    sure: {
      title: 'Jetzt ausführen?',
      body: 'Es geschieht sofort und nur einmal. Zurücknehmen lässt es sich nicht.',
      action: 'Ja, jetzt',
    },
    copy: 'Kopieren',
    copied: 'Kopiert',
    waitingFor: 'Wir warten auf {who}',
    yourDriver: 'Ihr Fahrer',
    skip: 'Zum Hauptteil',
  },

  who: {
    you: 'Sie',
    driver: 'den Fahrer',
    store: 'das Geschäft',
    lock: 'das Schloss',
    pump: 'die Zapfsäule',
    team: 'unser Team',
    check: 'eine Prüfung',
  },

  line: {
    lost: 'Keine Verbindung.',
    age: 'Was Sie sehen, ist {age} alt.',
    reconnecting: 'Verbindung wird gesucht …',
    back: 'Wieder verbunden.',
    offlineCode: 'Ihr Code gilt weiter: Der Fahrer kann ihn lesen oder scannen.',
    ended: 'Diese Seite ist nicht mehr mit Ihrer Lieferung verbunden.',
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
    ofLimit: '{litres} von höchstens {limit} Litern',
    upTo: 'höchstens {limit} Liter',
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

  customer: {
    title: 'Ihre Lieferung',
    welcome: {
      headline: 'Ihre Lieferung wartet auf Sie',
      body: 'Machen Sie auf diesem Telefon weiter, um Ihr Auto zu bestätigen und die Kontrolle zu behalten. Der Link gilt einmal, auf einem Gerät.',
      action: 'Auf diesem Telefon weiter',
      private:
        'Keine App, kein Passwort. Der Schlüssel entsteht in diesem Browser und bleibt dort.',
    },
    foreign: {
      headline: 'Diese Seite gehört zu einem anderen Telefon',
      body: 'Eine Lieferung lässt sich nur auf dem Gerät verfolgen und freigeben, das ihren Link geöffnet hat. Verloren? Bitten Sie das Geschäft um einen neuen Link: Der alte gilt dann nicht mehr.',
    },
    used: {
      headline: 'Dieser Link gilt nicht mehr',
      body: 'Er wurde schon benutzt, oder es gibt einen neueren. Bitten Sie das Geschäft um einen neuen Link.',
    },
    states: {
      requested: {
        headline: 'Ihre Bestellung ist da',
        body: 'Bestätigen Sie, dass Sie es sind, und sagen Sie uns dann, welches Auto.',
        primary: 'Das bin ich',
      },
      verified: {
        headline: 'Um welches Auto geht es?',
        body: 'Wir öffnen nur das Auto, dessen Kennzeichen Sie hier angeben.',
        primary: 'Weiter',
      },
      proposed: {
        headline: 'Geben Sie diese Lieferung frei',
        body: 'Vorher öffnet sich nichts. Sie können jederzeit stoppen.',
        primary: 'Diese Lieferung freigeben',
      },
      vehicle_bound: {
        headline: 'Alles bereit für: {vehicle}',
        body: 'Sobald jemand losfährt, sehen Sie es hier. Steht das Auto woanders? Sagen Sie es uns unten.',
      },
      en_route: {
        headline: '{driver} ist auf dem Weg zu Ihrem Auto',
        body: 'Sie müssen nicht dort sein. Steht {driver} am Auto, bestätigen Sie es hier oder zeigen einen Code.',
      },
      arrived: {
        headline: '{driver} ist an Ihrem Auto und wartet auf Sie',
        body: 'Geben Sie das Öffnen hier frei, oder lassen Sie {driver} Ihren Code lesen.',
        primary: 'Öffnen freigeben',
      },
      handoff_ready: {
        headline: 'Alles in Ordnung. {driver} kann anfangen.',
        body: 'Jeder Teil lässt sich einmal öffnen, und nur solange alles noch stimmt.',
      },
      again: {
        headline: 'Bitte bestätigen Sie noch einmal',
        body: '{driver} ist an Ihrem Auto. Was vorher gezeigt wurde, gilt nicht mehr: Geben Sie das Öffnen hier frei, oder lassen Sie {driver} Ihren Code lesen.',
      },
      in_service: {
        headline: '{driver} ist an Ihrem Auto beschäftigt',
        body: 'Jedes Öffnen und Schließen sehen Sie unten sofort.',
      },
      unlocking: {
        headline: 'Das Schloss antwortet gleich',
        body: 'Das dauert wenige Sekunden. Der Befehl geht einmal hinaus, nie zweimal.',
      },
      open: {
        headline: 'Jetzt offen: {place}',
        body: '{driver} legt Ihre Ware hinein. Beim Zuklappen schließt es von selbst ab.',
      },
      shut: {
        headline: 'Wieder zu: {place}',
        body: '{driver} muss noch bestätigen, dass Ihre Ware drin ist.',
      },
      openTooLong: {
        headline: 'Noch immer offen: {place}',
        body: 'Wir haben {driver} gebeten zuzumachen.',
      },
      arming: {
        headline: 'Die Zapfsäule antwortet gleich',
        body: 'Das dauert wenige Sekunden. Sie wird einmal freigegeben, nie zweimal.',
      },
      dispensing: {
        headline: 'Ihr Auto wird betankt',
        body: 'Die Zapfsäule hört von selbst bei der Menge auf, die Sie freigegeben haben.',
      },
      betweenLegs: {
        headline: 'Ein Teil ist fertig, der nächste folgt',
        body: '{driver} macht gleich weiter.',
      },
      indeterminate: {
        headline: 'Noch unklar, ob es aufging: {place}',
        body: 'Die Verbindung riss genau dann ab. Bevor wir es wissen, wird nichts wiederholt.',
      },
      indeterminateFuel: {
        headline: 'Noch unklar, ob Kraftstoff floss',
        body: 'Die Verbindung riss genau dann ab. Bevor wir es wissen, wird nichts wiederholt.',
      },
      completed: {
        headline: 'Fertig. Nichts kann Ihr Auto mehr öffnen.',
        body: 'Alle Erlaubnisse dieser Lieferung sind aus.',
      },
      partial: {
        headline: 'Teilweise fertig. Nichts kann Ihr Auto mehr öffnen.',
        body: 'Ein Teil ging nicht; Sie zahlen ihn nicht.',
      },
      revoked: {
        headline: 'Gestoppt. Nichts kann Ihr Auto jetzt öffnen.',
        body: 'Alle Erlaubnisse dieser Lieferung sind aus.',
      },
      stoppedOpen: {
        headline: 'Gestoppt, noch offen: {place}',
        body: 'Neues kann sich nicht öffnen. Es schließt von selbst, sobald jemand zumacht.',
      },
      stoppedUnclear: {
        headline: 'Gestoppt. Eines war schon unterwegs.',
        body: 'Wir fragen nach, was daraus wurde. Neues kann weder aufgehen noch fließen.',
      },
      expired: {
        headline: 'Die Zeit für diese Lieferung ist vorbei',
        body: 'Nichts kann Ihr Auto mehr öffnen. Vereinbaren Sie mit dem Geschäft eine neue Zeit.',
      },
    },
    held: {
      customer: {
        headline: 'Sie haben die Lieferung angehalten',
        body: 'Es öffnet sich nichts, bis Sie weitermachen.',
      },
      staff: {
        headline: 'Angehalten, ein Mensch prüft',
        body: 'So lange öffnet sich nichts. Geht es weiter, sehen Sie es hier sofort.',
      },
      safety: {
        headline: 'Zur Sicherheit angehalten',
        body: 'Ihr Fahrer hat gemeldet, dass etwas nicht sicher ist. So lange öffnet sich nichts.',
      },
      tamper: {
        headline: 'Angehalten: Ein Gerät muss geprüft werden',
        body: 'Mit Schloss oder Zapfsäule stimmte etwas nicht. Bis ein Mensch nachgesehen hat, öffnet sich nichts.',
      },
      device_revoked: {
        headline: 'Angehalten: Einem Gerät wird nicht mehr vertraut',
        body: 'Wir haben es zur Sicherheit außer Dienst genommen. So lange öffnet sich nichts.',
      },
      vehicle_moved: {
        headline: 'Ihr Auto wurde bewegt, die Erlaubnis ist zurückgezogen',
        body: 'Was gerade läuft, geht erst zu Ende. Dann nennen Sie Ihr Auto noch einmal.',
      },
    },
    stoppedBy: {
      customer_stopped: 'Sie haben sie gestoppt.',
      store_cancelled: 'Das Geschäft hat sie abgesagt.',
      staff_ended: 'Unser Team hat sie beendet.',
      device_revoked: 'Einem Gerät wurde nicht mehr vertraut.',
      nothing_delivered: 'Es konnte nichts geliefert werden.',
    },
    car: {
      title: 'Auto',
      plate: 'Kennzeichen endet auf {plate}',
      bay: 'Platz {bay}',
      window: 'Zwischen',
      moved: 'Mein Auto steht woanders',
      movedTitle: 'Steht das Auto jetzt woanders?',
      movedBody:
        'Die Erlaubnis für den alten Platz endet sofort, und Sie nennen Ihr Auto noch einmal. Es muss weiter bei {venue} stehen, gleich wo. Für einen anderen Ort stoppen Sie die Lieferung und fragen den Laden.',
      movedAction: 'Ja, es steht woanders',
      plateLabel: 'Kennzeichen',
      plateHint: 'Wie es am Auto steht. Leerzeichen und Striche sind egal.',
      plateHintEnds: 'Wie es am Auto steht; laut Bestellung endet es auf {plate}.',
      plateMissing: 'Geben Sie das ganze Kennzeichen ein.',
      at: 'bei {venue}',
    },
    intent: {
      title: 'Sie geben frei',
      car: 'Auto',
      place: 'Ort',
      time: 'Zeit',
      parts: 'Was geschieht',
      change: 'Anderes Auto',
    },
    code: {
      show: 'Meinen Code zeigen',
      hide: 'Code verbergen',
      title: 'Ihr Code für {driver}',
      hint: 'Lassen Sie {driver} das scannen oder lesen Sie die sechs Ziffern vor. Schicken Sie ihn nie weiter.',
      qr: 'Code zum Scannen',
      digits: 'Sechsstelliger Code',
      works: 'Gilt noch',
      over: 'Dieser Code ist abgelaufen',
      fresh: 'Neuer Code',
      issuesLeft: {
        none: 'Das war der letzte Code.',
        one: 'Danach noch ein Code.',
        many: 'Danach noch {count} Codes.',
      },
      offline: 'Keine Verbindung: Die Ziffern gelten noch bis {time}.',
    },
    anew: {
      title: 'Fragt {driver} noch einmal?',
      body: 'Was am Auto gezeigt wird, gilt zehn Minuten. Sie können noch einmal freigeben oder einen neuen Code zeigen.',
    },
    controls: {
      pause: 'Anhalten',
      resume: 'Weiter',
      stop: 'Lieferung stoppen',
      stopTitle: 'Diese Lieferung stoppen?',
      stopBody:
        'Sie endet endgültig. Danach kann nichts Ihr Auto öffnen; ist gerade etwas offen, schließt es der Fahrer noch.',
      stopAction: 'Endgültig stoppen',
      stopKeep: 'Behalten',
    },
    receipt: {
      title: 'Was geschehen ist',
      summary: 'Beleg',
      opened: 'Geöffnet',
      placed: 'Ware hineingelegt',
      closed: 'Wieder verschlossen',
      fuelled: 'Getankt',
      notDone: 'Nicht erfolgt',
      print: 'Drucken',
      reference: 'Vorgang',
    },
    history: {
      'session.created': 'Ihre Bestellung kam an',
      'recipient.verified': 'Sie haben bestätigt, dass Sie es sind',
      'binding.proposed': 'Sie haben Ihr Auto genannt',
      'session.bound': 'Sie haben die Lieferung freigegeben',
      'driver.assigned': 'Ein Fahrer wurde eingeteilt',
      'geofence.entered': 'Der Fahrer kam an Ihrem Auto an',
      'presence.proven': 'Sie haben am Auto bestätigt',
      'release.authorised': 'Ein Öffnen wurde erlaubt',
      'command.sent': 'Das Gerät bekam Bescheid',
      'lock.opened': 'Geöffnet',
      'lock.locked': 'Zu und verschlossen',
      'goods.transferred': 'Ware wurde hineingelegt',
      'lock.secured': 'Mit Ihrer Ware darin verschlossen',
      'fuel.authorized': 'Die Zapfsäule wurde freigegeben',
      'fuel.metered': 'Kraftstoff fließt',
      'fuel.dispensed': 'Das Tanken endete',
      'fuel.settled': 'Der Kraftstoff wurde abgerechnet',
      'release.not_executed': 'Es wurde nichts geöffnet',
      'release.unconfirmed': 'Das Gerät antwortete nicht',
      'outcome.stated': 'Ein Mensch hat geklärt, was geschah',
      'leg.taken_over': 'Ein Mensch hat einen Teil abgeschlossen',
      'leg.failed': 'Ein Teil ging nicht',
      'order.amended': 'Die Bestellung wurde geändert',
      'binding.voided': 'Die Erlaubnis für den alten Platz endete',
      'session.held': 'Angehalten',
      'session.resumed': 'Es ging weiter',
      'session.revoked': 'Endgültig gestoppt',
      'session.expired': 'Die Zeit lief ab',
      'session.completed': 'Fertig; alle Erlaubnisse sind aus',
      'exception.raised': 'Etwas Ungewöhnliches fiel auf',
      'exceptions.capped': 'Noch mehr Ungewöhnliches fiel auf',
    },
    estimate: {
      about: 'Noch etwa {minutes} min, nach der geraden Linie zu Ihrem Auto.',
      soon: 'Keine Minute mehr entfernt.',
      none: 'Noch keine Schätzung. Wir sagen Ihnen, wenn Ihr Fahrer da ist.',
    },
    dispute: {
      report: 'Ein Problem melden',
      title: 'Was stimmt nicht?',
      about: {
        missing: 'Etwas fehlt',
        wrong_goods: 'Es wurde etwas anderes geliefert',
        damaged: 'Etwas ist zerbrochen, verdorben oder zerkratzt',
        fuel: 'Mit dem Tanken stimmt etwas nicht',
        opening: 'Mein Auto wurde geöffnet oder stand offen',
        other: 'Etwas anderes',
      },
      words: 'In Ihren Worten, wenn Sie mögen',
      send: 'Senden',
      hint: 'Ein Mensch sieht es sich an, mit allem, was aufgezeichnet wurde. Möglich bis {time}.',
      opened: 'Sie haben ein Problem gemeldet',
      waiting: 'Wir sehen es uns an. Unsere Antwort steht bis {time} hier.',
      upheld: 'Sie haben recht. Das Geschäft regelt es mit Ihnen.',
      rejected: 'Die Aufzeichnung zeigt es anders. Das Geschäft kann Ihnen mehr sagen.',
    },
  },

  driver: {
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
        body: 'Die Leitstelle meldet Sie darauf an: Es heißt {device}. Ihre Stopps erscheinen dann hier von selbst.',
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
      none: 'Noch keine Halte',
      noneBody: 'Neue Halte erscheinen hier von selbst.',
      open: 'Öffnen',
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
        body: 'Bleiben Sie kurz stehen, damit Ihr Ort sicher ist.',
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
      scanTag: 'Schild am Platz scannen',
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
  },

  problems: {
    offline: {
      title: 'Keine Verbindung',
      help: 'Gehen Sie dorthin, wo Empfang ist, und versuchen Sie es noch einmal.',
    },
    invalid_request: {
      title: 'Das war nicht zu verstehen',
      help: 'Prüfen Sie, was Sie eingegeben haben.',
    },
    unauthenticated: {
      title: 'Dieses Gerät ist nicht bekannt',
      help: 'Öffnen Sie Ihren Link noch einmal, oder bitten Sie um einen neuen.',
    },
    use_dpop_nonce: { title: 'Bitte noch einmal', help: nochmal },
    insufficient_scope: { title: 'Das dürfen Sie nicht', help: 'Das muss jemand anderes tun.' },
    not_found: { title: 'Das gibt es nicht mehr', help: 'Öffnen Sie Ihren Link noch einmal.' },
    method_not_allowed: { title: 'Das ging nicht', help: nochmal },
    contended: { title: 'Im selben Moment geschah etwas anderes', help: nochmal },
    payload_too_large: { title: 'Das ist zu viel auf einmal', help: 'Schicken Sie weniger.' },
    unsupported_media_type: { title: 'Das ging nicht', help: nochmal },
    too_many_requests: {
      title: 'Zu viele Versuche',
      help: 'Warten Sie eine Minute und versuchen Sie es dann noch einmal.',
    },
    overloaded: { title: 'Gerade sehr viel los', help: 'Versuchen Sie es gleich noch einmal.' },
    storage_full: {
      title: 'Gerade nicht möglich',
      help: 'Stoppen können Sie die Lieferung trotzdem.',
    },
    unavailable: {
      title: 'Gerade nicht erreichbar',
      help: 'Versuchen Sie es gleich noch einmal.',
    },
    pages_not_built: { title: 'Diese Seite gibt es nicht', help: wirPruefen },
    internal: { title: 'Bei uns ging etwas schief', help: wirPruefen },
    unknown: {
      title: 'Das wurde abgelehnt',
      help: 'Das wurde abgelehnt, aus einem Grund, den diese Seite nicht kennt. Laden Sie sie neu.',
    },
  },

  reasons: {
    session_closed: {
      customer: 'Diese Lieferung ist beendet.',
      driver: 'Dieser Halt ist beendet. Es öffnet sich nichts mehr.',
    },
    manual_hold: {
      customer: 'Die Lieferung ist angehalten, darum öffnet sich nichts.',
      driver: 'Der Halt ist angehalten. Warten Sie, bis es weitergeht.',
    },
    order_changed: {
      customer: 'Die Bestellung wurde inzwischen geändert. Bitte sehen Sie noch einmal nach.',
      driver: 'Die Bestellung wurde geändert. Laden Sie den Halt neu und fragen Sie noch einmal.',
    },
    not_possible_now: {
      customer: 'Das ist im Moment nicht möglich.',
      driver: 'Noch nicht möglich. Machen Sie erst den gezeigten Schritt.',
    },
    actor_not_allowed: {
      customer: 'Das muss jemand anderes tun.',
      driver: 'Das muss jemand anderes tun.',
    },
    leg_unknown: {
      customer: 'Diesen Teil hat Ihre Bestellung nicht.',
      driver: 'Diesen Teil hat die Bestellung nicht.',
    },
    leg_finished: {
      customer: 'Dieser Teil ist schon erledigt.',
      driver: 'Dieser Teil ist erledigt. Weiter mit dem nächsten.',
    },
    release_under_way: {
      customer: 'Gerade wird geöffnet. Das geht erst zu Ende.',
      driver: 'Gerade wird geöffnet. Warten Sie auf die Quittung.',
    },
    outcome_unknown: {
      customer: 'Wir müssen erst herausfinden, ob es aufging.',
      driver: 'Niemand weiß, ob es aufging. Sehen Sie nach und sagen Sie es der Leitstelle.',
    },
    leg_out_of_order: {
      customer: 'Erst kommt ein anderer Teil.',
      driver: 'Erledigen Sie erst den früheren Teil.',
    },
    finished_leg_changed: {
      customer: 'Was erledigt ist, lässt sich nicht mehr ändern.',
      driver: 'Was erledigt ist, lässt sich nicht mehr ändern.',
    },
    releases_exhausted: {
      customer: 'Es wurde so oft versucht, wie erlaubt ist. ' + wirPruefen,
      driver: 'Es wurde so oft versucht, wie erlaubt ist. Rufen Sie die Leitstelle.',
    },
    window_not_open: {
      customer: 'Die vereinbarte Zeit hat noch nicht begonnen.',
      driver: 'Zu früh. Warten Sie auf den Beginn des Zeitfensters.',
    },
    window_closed: {
      customer: 'Die vereinbarte Zeit ist vorbei.',
      driver: 'Das Zeitfenster ist vorbei. Es öffnet sich nichts mehr.',
    },
    conflicts_with_earlier_request: { customer: nochmal, driver: nochmal },
    intent_not_proposed: {
      customer: 'Sagen Sie uns erst, welches Auto es ist.',
      driver: 'Der Kunde hat das Auto noch nicht genannt.',
    },
    recipient_not_verified: {
      customer: 'Bitte bestätigen Sie auf diesem Telefon, dass Sie es sind.',
      driver: 'Der Kunde muss auf seinem Telefon bestätigen.',
    },
    intent_not_approved: {
      customer: 'Sie haben diese Lieferung noch nicht freigegeben.',
      driver: 'Der Kunde hat noch nicht freigegeben.',
    },
    vehicle_not_matched: {
      customer: 'Der Fahrer hat Ihr Kennzeichen noch nicht geprüft.',
      driver: 'Lesen Sie erst das Kennzeichen am Auto.',
    },
    vehicle_mismatch: {
      customer: 'Das ist nicht das Kennzeichen dieser Bestellung. Sehen Sie noch einmal hin.',
      driver: 'Falsches Auto. Halt! Suchen Sie das richtige.',
    },
    plate_attempts_exhausted: {
      customer:
        'Zu viele Kennzeichen, die nicht zum Auto gehören. Bitten Sie den Laden um einen neuen Link.',
      driver: 'Zu viele falsche Kennzeichen. Rufen Sie die Leitstelle.',
    },
    vehicle_moving: {
      customer: 'Das Auto bewegt sich oder wurde bewegt, seit Sie es genannt haben.',
      driver: 'Das Auto bewegt sich oder wurde bewegt. Warten Sie.',
    },
    driver_not_assigned: {
      customer: 'Noch hat niemand diese Lieferung übernommen.',
      driver: 'Dieser Halt gehört nicht Ihnen, oder nicht diesem Gerät.',
    },
    place_not_proven: {
      customer: 'Noch ist nicht sicher, wo der Fahrer ist.',
      driver: 'Ihr Ort ist unbekannt. Warten Sie auf eine Position oder scannen Sie das Schild.',
    },
    place_outside: {
      customer: 'Der Fahrer ist noch nicht an Ihrem Auto, darum öffnet sich nichts.',
      driver: 'Sie sind nicht im Bereich des Autos. Gehen Sie näher heran.',
    },
    place_uncertain: {
      customer: 'Die Ortung ist dort schwach. ' + fahrerMacht,
      driver: 'Die Ortung ist zu schwach. Scannen Sie das Schild am Platz.',
    },
    place_disagrees: {
      customer: 'Fahrer und Auto sind nicht am selben Ort.',
      driver: 'Sie und das Auto sind nicht am selben Ort. Sehen Sie nach, wo es steht.',
    },
    service_not_permitted_here: {
      customer: 'Das ist an diesem Ort nicht erlaubt.',
      driver: 'Das ist hier nicht erlaubt. Rufen Sie die Leitstelle.',
    },
    token_missing: {
      customer: nochmal,
      driver: 'Die Erlaubnis fehlte. Versuchen Sie es noch einmal.',
    },
    token_expired: {
      customer: nochmal,
      driver: 'Die Erlaubnis ist abgelaufen. Holen Sie eine neue.',
    },
    token_too_old: {
      customer: nochmal,
      driver: 'Die Erlaubnis ist zu alt. Holen Sie eine neue.',
    },
    token_revoked: {
      customer: 'Die Erlaubnis wurde zurückgezogen.',
      driver: 'Die Erlaubnis wurde zurückgezogen. Laden Sie den Halt neu.',
    },
    token_spent: {
      customer: nochmal,
      driver: 'Die Erlaubnis ist verbraucht. Holen Sie eine neue.',
    },
    token_scope: { customer: nochmal, driver: 'Die Erlaubnis gilt für etwas anderes.' },
    token_binding: {
      customer: 'Die Erlaubnis gehört zu einem anderen Gerät.',
      driver: 'Die Erlaubnis gehört zu einem anderen Gerät oder Auto.',
    },
    token_too_wide: { customer: nochmal, driver: 'Das ist mehr, als erlaubt ist.' },
    device_untrusted: {
      customer: 'Das Gerät Ihres Fahrers muss geprüft werden. Es öffnet sich nichts.',
      driver: 'Diesem Gerät wird nicht vertraut. Rufen Sie die Leitstelle, nehmen Sie ein anderes.',
    },
    device_not_attested: {
      customer: 'Das Gerät Ihres Fahrers muss geprüft werden. Es öffnet sich nichts.',
      driver: 'Dieses Gerät muss neu geprüft werden.',
    },
    device_tier_too_low: {
      customer: 'Das Gerät Ihres Fahrers reicht dafür nicht aus.',
      driver: 'Dieses Gerät darf das nicht. Nehmen Sie die App auf einem geprüften Gerät.',
    },
    actuator_integrity_unknown: {
      customer: 'Wir konnten nicht sicherstellen, dass das Gerät heil ist; es bleibt zu.',
      driver: 'Schloss oder Zapfsäule ist ungeprüft. Neu verbinden; bis dahin bleibt es zu.',
    },
    actuator_untrusted: {
      customer: 'Wir konnten nicht sicherstellen, dass das Gerät heil ist; es bleibt zu.',
      driver: 'Schloss oder Zapfsäule wird nicht vertraut. Lassen Sie es zu.',
    },
    actuator_frozen: {
      customer: 'Ein Gerät wurde zur Sicherheit außer Dienst genommen.',
      driver: 'Zwei Geräte geben sich als dieses aus. Zulassen und die Leitstelle rufen.',
    },
    actuator_unreachable: {
      customer: 'Schloss oder Zapfsäule antwortet nicht. ' + fahrerMacht,
      driver: 'Schloss oder Zapfsäule ist nicht verbunden. Gehen Sie näher heran.',
    },
    actuator_busy: {
      customer: 'Das Gerät ist noch mit einer anderen Lieferung beschäftigt.',
      driver: 'Schloss oder Zapfsäule bedient noch einen anderen Halt. Beenden Sie erst den.',
    },
    presence_not_proven: {
      customer: 'Geben Sie am Auto frei, oder zeigen Sie Ihren Code.',
      driver: 'Bitten Sie den Kunden um Code oder Freigabe.',
    },
    code_wrong: {
      customer: 'Dieser Code passte nicht.',
      driver: 'Der Code passte nicht. Bitten Sie um den, der jetzt gezeigt wird.',
    },
    code_expired: {
      customer: 'Dieser Code ist abgelaufen. Holen Sie einen neuen.',
      driver: 'Der Code ist abgelaufen. Bitten Sie um einen neuen.',
    },
    code_spent: {
      customer: 'Dieser Code wurde schon benutzt. Holen Sie einen neuen.',
      driver: 'Alter Code, schon benutzt. Bitten Sie um einen neuen.',
    },
    code_attempts_exhausted: {
      customer: 'Der Code wurde zu oft versucht. Holen Sie einen neuen, oder geben Sie hier frei.',
      driver: 'Zu viele Versuche. Bitten Sie um einen neuen Code oder um die Freigabe.',
    },
    code_issues_exhausted: {
      customer: 'Für diese Lieferung gibt es keine Codes mehr. Geben Sie stattdessen hier frei.',
      driver: 'Es gibt keine Codes mehr. Bitten Sie stattdessen um die Freigabe.',
    },
    handoff_type_not_allowed: {
      customer: 'Diese Ware darf nicht auf diese Weise übergeben werden.',
      driver: 'Diese Ware darf nicht im Auto zurückgelassen werden.',
    },
    age_proof_missing: {
      customer: 'Jemand muss Ihr Alter persönlich prüfen.',
      driver: 'Prüfen Sie das Alter des Empfängers persönlich.',
    },
    rung_too_low: {
      customer: 'Für diese Lieferung fehlt noch eine Bestätigung.',
      driver: 'Es fehlt noch ein Nachweis. Bitten Sie um Code und Freigabe.',
    },
    policy_default_deny: {
      customer: 'Die Regeln für diese Lieferung erlauben es nicht. ' + wirPruefen,
      driver: 'Die Regeln erlauben es nicht. Rufen Sie die Leitstelle.',
    },
    policy_error: {
      customer: 'Bei uns ging etwas schief, darum öffnet sich nichts.',
      driver: 'Etwas ging schief, also heißt es nein. Rufen Sie die Leitstelle.',
    },
  },
};
