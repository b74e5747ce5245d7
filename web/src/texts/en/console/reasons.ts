/** Each reason against a request: what has to be so, and what the staff is told when it is not. */

export const reasons = {
  session_closed: ['The stop has not ended', 'The stop has ended. A new one is needed.'],
  manual_hold: ['Nothing is on hold', 'The stop or the account is on hold. Have the hold lifted.'],
  order_changed: [
    'What was shown belongs to the order in force',
    'It belongs to an earlier version of the order. It has to be obtained anew.',
  ],
  not_possible_now: [
    'The stop is at the right point',
    'The stop is not at the point where this can happen.',
  ],
  actor_not_allowed: ['The right party asks', 'This kind of caller may not ask for this.'],
  leg_unknown: ['The part exists', 'The order has no such part.'],
  leg_finished: ['The part has not ended', 'That part has ended already.'],
  release_under_way: ['No release is under way', 'A release is under way and ends first.'],
  outcome_unknown: [
    'The last outcome is known',
    'Nobody knows yet what became of the last release. Somebody has to find out.',
  ],
  leg_out_of_order: ['Earlier parts have ended', 'An earlier part has to end first.'],
  finished_leg_changed: [
    'Ended parts stay as they were',
    'The change touches a part that has ended.',
  ],
  releases_exhausted: [
    'Tries are left',
    'The part was released as often as is allowed. Review the stop.',
  ],
  window_not_open: ['The window has begun', 'The window has not begun.'],
  window_closed: ['The window is not over', 'The window is over. Agree on a new one.'],
  conflicts_with_earlier_request: [
    'The request is a new one',
    'The same request was used for something else before.',
  ],
  intent_not_proposed: ['There is a delivery to approve', 'Car and place have not been named.'],
  recipient_not_verified: [
    'The customer is verified well enough',
    'The customer has to confirm on the bound phone.',
  ],
  intent_not_approved: ['The customer approved the delivery', 'The customer has not approved.'],
  vehicle_not_matched: [
    'The car at hand was compared',
    'Nobody has read the plate or tag at the car lately.',
  ],
  vehicle_mismatch: [
    'It is the car of the order',
    'The car at hand is another one. The driver has to stop.',
  ],
  plate_attempts_exhausted: [
    'Plate tries are left',
    'Too many wrong plates. The customer names the car anew, or somebody calls.',
  ],
  vehicle_moving: ['The car stands still', 'The car moves, or has moved since it was bound.'],
  driver_not_assigned: [
    'Driver and device have this stop',
    'This driver or device does not have the stop.',
  ],
  place_not_proven: [
    'The place is proven',
    'There is no recent proof of the place. A position or the bay’s tag helps.',
  ],
  place_outside: ['The place lies inside the zone', 'The position lies outside the zone.'],
  place_uncertain: [
    'The place is certain enough',
    'The position is too uncertain. The bay’s tag helps.',
  ],
  place_disagrees: ['Driver and car are at one place', 'Driver and car are not at the same place.'],
  service_not_permitted_here: [
    'The zone permits the service',
    'The venue does not allow this there.',
  ],
  token_missing: ['A permission was shown', 'No permission for this was shown.'],
  token_expired: ['The permission has not expired', 'The permission has expired.'],
  token_too_old: [
    'The permission is young enough',
    'The permission is older than the policy accepts.',
  ],
  token_revoked: [
    'The permission was not withdrawn',
    'The permission, or what it came from, was withdrawn.',
  ],
  token_spent: ['The permission was not used before', 'The permission was used already.'],
  token_scope: ['The permission is for this', 'The permission is for something else.'],
  token_binding: [
    'The permission belongs to this device',
    'The permission belongs to another device, car or assignment.',
  ],
  token_too_wide: [
    'The permission asks for no more than its parent',
    'It asks for more than it may.',
  ],
  device_untrusted: [
    'The driver’s device is in good standing',
    'The driver’s device is revoked, unknown or out of policy. Use another one.',
  ],
  device_not_attested: [
    'The driver’s device was attested lately',
    'The driver’s device has to be attested again.',
  ],
  device_tier_too_low: [
    'The driver’s device is trusted enough',
    'This kind of device may not do this. An attested one is needed.',
  ],
  actuator_integrity_unknown: [
    'Lock or pump has proven its integrity',
    'Lock or pump has not proven its integrity lately. It stays shut.',
  ],
  actuator_untrusted: [
    'Lock or pump is in good standing',
    'Lock or pump is revoked or tampered with. Take it out of service.',
  ],
  actuator_frozen: [
    'Only one device claims to be this one',
    'Two connections claim to be this device. Find out which one it is.',
  ],
  actuator_unreachable: ['Lock or pump can be reached', 'Lock or pump is not connected.'],
  actuator_busy: ['Lock or pump is free', 'It still serves another stop. Finish or end that one.'],
  presence_not_proven: [
    'The customer showed consent at the car',
    'Nobody has shown a code, scan or approval.',
  ],
  code_wrong: ['No wrong code was shown', 'The code was wrong, unknown or of another stop.'],
  code_expired: ['No expired code was shown', 'The code had expired.'],
  code_spent: ['No used code was shown', 'The code was used before. Look into a second use.'],
  code_attempts_exhausted: ['Code tries are left', 'The code was tried too often.'],
  code_issues_exhausted: [
    'Codes are left',
    'No more codes are issued for this stop. A scan or approval helps.',
  ],
  handoff_type_not_allowed: [
    'The goods may be handed over in this way',
    'These goods need an attended handoff.',
  ],
  age_proof_missing: [
    'The recipient’s age was checked',
    'The recipient’s age has to be checked in person.',
  ],
  rung_too_low: [
    'The proof is strong enough for goods and place',
    'Goods or place need a stronger proof.',
  ],
  policy_default_deny: [
    'Some policy permits it',
    'No policy permits it. Look at the policy in force.',
  ],
  policy_error: [
    'Every policy could be read',
    'A policy could not be evaluated, so the answer is no.',
  ],
};
