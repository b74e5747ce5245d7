/** Why something was not done: problems of the interface, and reasons against a request. */

import type * as en from '../en/refusals';

const nochmal = 'Bitte versuchen Sie es noch einmal.';
const wirPruefen = 'Unser Team sieht es sich an.';
const fahrerMacht = 'Ihr Fahrer kümmert sich darum.';

export const refusals: typeof en.refusals = {
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
    precondition_required: {
      title: 'Das ging nicht',
      help: 'Laden Sie die Seite neu und versuchen Sie es noch einmal.',
    },
    precondition_failed: {
      title: 'Inzwischen hat das jemand geändert',
      help: 'Nichts wurde überschrieben. Laden Sie die Seite neu und sehen Sie noch einmal nach.',
    },
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
    no_relying_party: {
      title: 'Dieser Server hat keinen Namen',
      help: 'Passkeys brauchen eine Domain. Öffnen Sie den Leitstand unter einem Namen, mit dem der Server eingerichtet ist.',
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
