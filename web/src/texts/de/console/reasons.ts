/** Each reason against a request: what has to be so, and what the staff is told when it is not. */

import type * as en from '../../en/console/reasons';

export const reasons: typeof en.reasons = {
  session_closed: ['Der Stopp ist nicht zu Ende', 'Der Stopp ist zu Ende. Es braucht einen neuen.'],
  manual_hold: [
    'Nichts ist angehalten',
    'Stopp oder Konto ist angehalten. Es muss weiter freigegeben werden.',
  ],
  order_changed: [
    'Das Vorgelegte gehört zum geltenden Auftrag',
    'Es gehört zu einer früheren Fassung des Auftrags und muss neu geholt werden.',
  ],
  not_possible_now: [
    'Der Stopp ist so weit',
    'Der Stopp ist nicht an der Stelle, an der das möglich ist.',
  ],
  actor_not_allowed: ['Der Richtige fragt an', 'Wer hier anfragt, darf das nicht.'],
  leg_unknown: ['Den Teil gibt es', 'Einen solchen Teil hat der Auftrag nicht.'],
  leg_finished: ['Der Teil ist nicht zu Ende', 'Dieser Teil ist schon zu Ende.'],
  release_under_way: ['Keine Freigabe läuft', 'Eine Freigabe läuft und endet zuerst.'],
  outcome_unknown: [
    'Der letzte Ausgang ist bekannt',
    'Niemand weiß, was aus der letzten Freigabe wurde. Jemand muss es herausfinden.',
  ],
  leg_out_of_order: ['Frühere Teile sind zu Ende', 'Ein früherer Teil muss zuerst enden.'],
  finished_leg_changed: [
    'Beendete Teile bleiben, wie sie waren',
    'Die Änderung betrifft einen Teil, der zu Ende ist.',
  ],
  releases_exhausted: [
    'Es sind Versuche übrig',
    'Der Teil wurde so oft freigegeben wie erlaubt. Sehen Sie sich den Stopp an.',
  ],
  window_not_open: ['Das Zeitfenster hat begonnen', 'Das Zeitfenster hat noch nicht begonnen.'],
  window_closed: [
    'Das Zeitfenster ist nicht vorbei',
    'Das Zeitfenster ist vorbei. Vereinbaren Sie ein neues.',
  ],
  conflicts_with_earlier_request: [
    'Die Anfrage ist neu',
    'Dieselbe Anfrage wurde schon für etwas anderes gestellt.',
  ],
  intent_not_proposed: [
    'Es gibt eine Lieferung zu genehmigen',
    'Auto und Platz wurden nicht genannt.',
  ],
  recipient_not_verified: [
    'Der Kunde ist gut genug bestätigt',
    'Der Kunde muss sich am gebundenen Telefon bestätigen.',
  ],
  intent_not_approved: ['Der Kunde hat die Lieferung genehmigt', 'Der Kunde hat nicht genehmigt.'],
  vehicle_not_matched: [
    'Das Auto vor Ort wurde verglichen',
    'Niemand hat kürzlich Kennzeichen oder Schild am Auto gelesen.',
  ],
  vehicle_mismatch: [
    'Es ist das Auto des Auftrags',
    'Das Auto vor Ort ist ein anderes. Der Fahrer muss aufhören.',
  ],
  plate_attempts_exhausted: [
    'Es sind Kennzeichen-Versuche übrig',
    'Zu viele falsche Kennzeichen. Der Kunde nennt das Auto neu, oder jemand ruft an.',
  ],
  vehicle_moving: ['Das Auto steht', 'Das Auto fährt oder hat sich seit der Bindung bewegt.'],
  driver_not_assigned: [
    'Fahrer und Gerät haben diesen Stopp',
    'Dieser Fahrer oder dieses Gerät hat den Stopp nicht.',
  ],
  place_not_proven: [
    'Der Platz ist belegt',
    'Für den Platz fehlt ein frischer Beleg. Eine Position oder das Schild hilft.',
  ],
  place_outside: ['Der Platz liegt in der Zone', 'Die Position liegt außerhalb der Zone.'],
  place_uncertain: [
    'Der Platz ist sicher genug',
    'Die Position ist zu ungenau. Das Schild am Stellplatz hilft.',
  ],
  place_disagrees: [
    'Fahrer und Auto sind am selben Platz',
    'Fahrer und Auto sind nicht am selben Platz.',
  ],
  service_not_permitted_here: ['Die Zone erlaubt es', 'Der Ort erlaubt das dort nicht.'],
  token_missing: ['Eine Erlaubnis wurde vorgelegt', 'Dafür wurde keine Erlaubnis vorgelegt.'],
  token_expired: ['Die Erlaubnis ist nicht abgelaufen', 'Die Erlaubnis ist abgelaufen.'],
  token_too_old: [
    'Die Erlaubnis ist jung genug',
    'Die Erlaubnis ist älter, als die Regeln es zulassen.',
  ],
  token_revoked: [
    'Die Erlaubnis wurde nicht entzogen',
    'Die Erlaubnis, oder woraus sie kam, wurde entzogen.',
  ],
  token_spent: ['Die Erlaubnis wurde noch nicht benutzt', 'Die Erlaubnis wurde schon benutzt.'],
  token_scope: ['Die Erlaubnis gilt hierfür', 'Die Erlaubnis gilt für etwas anderes.'],
  token_binding: [
    'Die Erlaubnis gehört zu diesem Gerät',
    'Die Erlaubnis gehört zu einem anderen Gerät, Auto oder Auftrag.',
  ],
  token_too_wide: [
    'Die Erlaubnis verlangt nicht mehr als ihre Herkunft',
    'Sie verlangt mehr, als sie darf.',
  ],
  device_untrusted: [
    'Das Gerät des Fahrers ist in Ordnung',
    'Das Gerät des Fahrers ist entzogen, unbekannt oder gegen die Regeln. Nehmen Sie ein anderes.',
  ],
  device_not_attested: [
    'Das Gerät des Fahrers wurde kürzlich geprüft',
    'Das Gerät des Fahrers muss neu geprüft werden.',
  ],
  device_tier_too_low: [
    'Dem Gerät des Fahrers wird genug vertraut',
    'Ein solches Gerät darf das nicht. Es braucht ein geprüftes.',
  ],
  actuator_integrity_unknown: [
    'Schloss oder Säule hat seine Unversehrtheit belegt',
    'Schloss oder Säule hat das kürzlich nicht belegt. Es bleibt zu.',
  ],
  actuator_untrusted: [
    'Schloss oder Säule ist in Ordnung',
    'Schloss oder Säule ist entzogen oder manipuliert. Nehmen Sie es aus dem Betrieb.',
  ],
  actuator_frozen: [
    'Nur ein Gerät gibt sich als dieses aus',
    'Zwei Verbindungen geben sich als dieses Gerät aus. Finden Sie heraus, welche es ist.',
  ],
  actuator_unreachable: [
    'Schloss oder Säule ist erreichbar',
    'Schloss oder Säule ist nicht verbunden.',
  ],
  actuator_busy: [
    'Schloss oder Säule ist frei',
    'Es bedient noch einen anderen Stopp. Beenden Sie diesen.',
  ],
  presence_not_proven: [
    'Der Kunde hat am Auto zugestimmt',
    'Niemand hat Code, Scan oder Genehmigung gezeigt.',
  ],
  code_wrong: [
    'Es wurde kein falscher Code gezeigt',
    'Der Code war falsch, unbekannt oder von einem anderen Stopp.',
  ],
  code_expired: ['Es wurde kein abgelaufener Code gezeigt', 'Der Code war abgelaufen.'],
  code_spent: [
    'Es wurde kein benutzter Code gezeigt',
    'Der Code war schon benutzt. Gehen Sie einer zweiten Benutzung nach.',
  ],
  code_attempts_exhausted: ['Es sind Code-Versuche übrig', 'Der Code wurde zu oft versucht.'],
  code_issues_exhausted: [
    'Es sind Codes übrig',
    'Für diesen Stopp gibt es keine Codes mehr. Scan oder Genehmigung hilft.',
  ],
  handoff_type_not_allowed: [
    'Die Ware darf so übergeben werden',
    'Diese Ware braucht eine Übergabe im Beisein.',
  ],
  age_proof_missing: ['Das Alter wurde geprüft', 'Das Alter muss vor Ort geprüft werden.'],
  rung_too_low: [
    'Der Beleg reicht für Ware und Platz',
    'Ware oder Platz brauchen einen stärkeren Beleg.',
  ],
  policy_default_deny: [
    'Eine Regel erlaubt es',
    'Keine Regel erlaubt es. Sehen Sie sich die geltenden Regeln an.',
  ],
  policy_error: [
    'Jede Regel ließ sich lesen',
    'Eine Regel ließ sich nicht auswerten, also lautet die Antwort nein.',
  ],
};
