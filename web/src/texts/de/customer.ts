/** What customers read. */

import type * as en from '../en/customer';

export const customer: typeof en.customer = {
  title: 'Ihre Lieferung',
  welcome: {
    headline: 'Ihre Lieferung wartet auf Sie',
    body: 'Machen Sie auf diesem Telefon weiter, um Ihr Auto zu bestätigen und die Kontrolle zu behalten. Der Link gilt einmal, auf einem Gerät.',
    action: 'Auf diesem Telefon weiter',
    private: 'Keine App, kein Passwort. Der Schlüssel entsteht in diesem Browser und bleibt dort.',
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
      pill: 'Freigabe fehlt',
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
    moved: 'Mein Auto steht woanders',
    movedTitle: 'Steht das Auto jetzt woanders?',
    movedBody:
      'Die Erlaubnis für den alten Platz endet sofort, und Sie nennen Ihr Auto noch einmal. Es muss weiter bei {venue} stehen, gleich wo. Für einen anderen Ort stoppen Sie die Lieferung und fragen den Laden.',
    movedAction: 'Ja, es steht woanders',
    plateLabel: 'Kennzeichen',
    plateHint: 'Wie es am Auto steht. Leerzeichen und Striche sind egal.',
    plateHintEnds: 'Wie es am Auto steht; laut Bestellung endet es auf {plate}.',
    plateMissing: 'Geben Sie das ganze Kennzeichen ein.',
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
    closed: 'Wieder verschlossen',
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
    'session.hold_eased': 'Eine von mehreren Pausen endete',
    'session.resumed': 'Es ging weiter',
    'session.revoked': 'Endgültig gestoppt',
    'session.expired': 'Die Zeit lief ab',
    'session.completed': 'Fertig; alle Erlaubnisse sind aus',
    'exception.raised': 'Etwas Ungewöhnliches fiel auf',
    'exceptions.capped': 'Noch mehr Ungewöhnliches fiel auf',
  },
  ofFuel: {
    'release.authorised': 'Ein Start der Zapfsäule wurde erlaubt',
    'release.not_executed': 'Es floss kein Kraftstoff',
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
};
