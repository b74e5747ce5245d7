/** Why something was not done: problems of the interface, and reasons against a request. */

const askAgain = 'Please try again.';
const teamLooks = 'Our team is looking into it.';
const driverContinues = 'Your driver takes care of it.';

export const refusals = {
  problems: {
    offline: { title: 'No connection', help: 'Move to where there is signal, then try again.' },
    invalid_request: { title: 'That could not be understood', help: 'Check what you typed.' },
    unauthenticated: {
      title: 'This device is not recognised',
      help: 'Open your link again, or ask for a new one.',
    },
    use_dpop_nonce: { title: 'Please try again', help: askAgain },
    insufficient_scope: { title: 'You may not do this', help: 'Somebody else has to do this.' },
    not_found: { title: 'This is not there any more', help: 'Open your link again.' },
    method_not_allowed: { title: 'That did not work', help: askAgain },
    precondition_required: { title: 'That did not work', help: 'Load the page, then try again.' },
    precondition_failed: {
      title: 'Somebody changed this meanwhile',
      help: 'Nothing was overwritten. Load the page and look again.',
    },
    contended: { title: 'Something else happened at the same moment', help: askAgain },
    payload_too_large: { title: 'That is too much at once', help: 'Send less.' },
    unsupported_media_type: { title: 'That did not work', help: askAgain },
    too_many_requests: { title: 'Too many tries', help: 'Wait a minute, then try again.' },
    overloaded: { title: 'Very busy right now', help: 'Try again in a moment.' },
    storage_full: { title: 'Not possible right now', help: 'You can still stop the delivery.' },
    unavailable: { title: 'Not reachable right now', help: 'Try again in a moment.' },
    no_relying_party: {
      title: 'This server has no name',
      help: 'Passkeys need a domain. Open the console under a name that the server is configured with.',
    },
    pages_not_built: { title: 'This page is not there', help: teamLooks },
    internal: { title: 'Something went wrong on our side', help: teamLooks },
    unknown: {
      title: 'That was refused',
      help: 'That was refused, for a reason this page does not know. Load it again.',
    },
  },

  reasons: {
    session_closed: {
      customer: 'This delivery has ended.',
      driver: 'This stop has ended. Nothing more opens.',
    },
    manual_hold: {
      customer: 'The delivery is paused, so nothing opens.',
      driver: 'The stop is paused. Wait until it goes on.',
    },
    order_changed: {
      customer: 'The order was changed meanwhile. Please look again.',
      driver: 'The order was changed. Load the stop again and ask anew.',
    },
    not_possible_now: {
      customer: 'This is not possible at this moment.',
      driver: 'Not possible yet. Do the step that is shown first.',
    },
    actor_not_allowed: {
      customer: 'This has to be done by somebody else.',
      driver: 'This is for somebody else to do.',
    },
    leg_unknown: {
      customer: 'Your order has no such part.',
      driver: 'The order has no such part.',
    },
    leg_finished: {
      customer: 'This part is done already.',
      driver: 'This part is done. Go on to the next one.',
    },
    release_under_way: {
      customer: 'An opening is under way. It ends first.',
      driver: 'An opening is under way. Wait for its receipt.',
    },
    outcome_unknown: {
      customer: 'We first have to find out whether it opened.',
      driver: 'Nobody knows yet whether it opened. Look, and tell dispatch.',
    },
    leg_out_of_order: {
      customer: 'Another part comes first.',
      driver: 'Finish the earlier part first.',
    },
    finished_leg_changed: {
      customer: 'A part that is done cannot be changed.',
      driver: 'A part that is done cannot be changed.',
    },
    releases_exhausted: {
      customer: 'It was tried as often as is allowed. ' + teamLooks,
      driver: 'It was tried as often as is allowed. Call dispatch.',
    },
    window_not_open: {
      customer: 'The agreed time has not begun yet.',
      driver: 'Too early. Wait for the start of the window.',
    },
    window_closed: {
      customer: 'The agreed time is over.',
      driver: 'The window is over. Nothing opens any more.',
    },
    conflicts_with_earlier_request: { customer: askAgain, driver: askAgain },
    intent_not_proposed: {
      customer: 'First tell us which car it is.',
      driver: 'The customer has not named the car yet.',
    },
    recipient_not_verified: {
      customer: 'Please confirm on this phone that it’s you.',
      driver: 'The customer has to confirm on their phone.',
    },
    intent_not_approved: {
      customer: 'You have not approved this delivery yet.',
      driver: 'The customer has not approved yet.',
    },
    vehicle_not_matched: {
      customer: 'The driver has not checked your plate yet.',
      driver: 'Read the plate at the car first.',
    },
    vehicle_mismatch: {
      customer: 'That plate is not the one of this order. Look at what you typed.',
      driver: 'Wrong car. Stop, and find the right one.',
    },
    plate_attempts_exhausted: {
      customer: 'Too many plates that are not the car’s. Ask the store for a new link.',
      driver: 'Too many wrong plates. Call dispatch.',
    },
    vehicle_moving: {
      customer: 'The car moves, or has moved since you named it.',
      driver: 'The car is moving or has moved. Wait.',
    },
    driver_not_assigned: {
      customer: 'No driver has this delivery yet.',
      driver: 'This stop is not yours, or not on this device.',
    },
    place_not_proven: {
      customer: 'The driver’s place is not certain yet.',
      driver: 'Your place is not known. Wait for a position, or scan the sign.',
    },
    place_outside: {
      customer: 'The driver is not at your car yet, so nothing opens.',
      driver: 'You are not at the car’s zone. Go closer.',
    },
    place_uncertain: {
      customer: 'Location is weak there. ' + driverContinues,
      driver: 'Location is too weak. Scan the sign in the bay.',
    },
    place_disagrees: {
      customer: 'Driver and car are not at the same place.',
      driver: 'You and the car are not at the same place. Look where it stands.',
    },
    service_not_permitted_here: {
      customer: 'This is not allowed at this place.',
      driver: 'This is not allowed here. Call dispatch.',
    },
    token_missing: { customer: askAgain, driver: 'The permission was not sent along. Try again.' },
    token_expired: { customer: askAgain, driver: 'The permission has run out. Ask for a new one.' },
    token_too_old: { customer: askAgain, driver: 'The permission is too old. Ask for a new one.' },
    token_revoked: {
      customer: 'The permission was withdrawn.',
      driver: 'The permission was withdrawn. Load the stop again.',
    },
    token_spent: { customer: askAgain, driver: 'The permission was used. Ask for a new one.' },
    token_scope: { customer: askAgain, driver: 'The permission is for something else.' },
    token_binding: {
      customer: 'The permission belongs to another device.',
      driver: 'The permission belongs to another device or car.',
    },
    token_too_wide: { customer: askAgain, driver: 'That asks for more than is allowed.' },
    device_untrusted: {
      customer: 'Your driver’s device needs a check. Nothing opens.',
      driver: 'This device is not trusted. Call dispatch and use another one.',
    },
    device_not_attested: {
      customer: 'Your driver’s device needs a check. Nothing opens.',
      driver: 'This device has to be checked again.',
    },
    device_tier_too_low: {
      customer: 'Your driver’s device is not good enough for this.',
      driver: 'This device may not do this. Use the native app on a checked device.',
    },
    actuator_integrity_unknown: {
      customer: 'We could not make sure the device is sound, so it stays shut.',
      driver: 'The lock or pump has not proven itself. Reconnect it; it stays shut until then.',
    },
    actuator_untrusted: {
      customer: 'We could not make sure the device is sound, so it stays shut.',
      driver: 'The lock or pump is not trusted. Leave it shut.',
    },
    actuator_frozen: {
      customer: 'A device was taken out of service to be safe.',
      driver: 'Two devices claim to be this one. Leave it shut and call dispatch.',
    },
    actuator_unreachable: {
      customer: 'The lock or pump is not answering. ' + driverContinues,
      driver: 'The lock or pump is not connected. Go closer to it and try again.',
    },
    actuator_busy: {
      customer: 'The device is still busy with another delivery.',
      driver: 'The lock or pump still serves another stop. Finish that one first.',
    },
    presence_not_proven: {
      customer: 'Approve at the car, or show your code.',
      driver: 'Ask the customer for the code or the approval.',
    },
    code_wrong: {
      customer: 'That code did not match.',
      driver: 'That code did not match. Ask for the one shown now.',
    },
    code_expired: {
      customer: 'That code is over. Get a new one.',
      driver: 'That code is over. Ask for a new one.',
    },
    code_spent: {
      customer: 'That code was used already. Get a new one.',
      driver: 'Old code: it was used already. Ask for a new one.',
    },
    code_attempts_exhausted: {
      customer: 'The code was tried too often. Get a new one, or approve here.',
      driver: 'Too many tries. Ask for a new code, or for the approval.',
    },
    code_issues_exhausted: {
      customer: 'There are no more codes for this delivery. Approve it here instead.',
      driver: 'There are no more codes. Ask for the approval instead.',
    },
    handoff_type_not_allowed: {
      customer: 'These goods cannot be handed over in this way.',
      driver: 'These goods may not be left in the car.',
    },
    age_proof_missing: {
      customer: 'Somebody has to check your age in person.',
      driver: 'Check the recipient’s age in person.',
    },
    rung_too_low: {
      customer: 'One more confirmation is needed for this delivery.',
      driver: 'One more proof is needed. Ask for code and approval.',
    },
    policy_default_deny: {
      customer: 'The rules for this delivery do not allow it. ' + teamLooks,
      driver: 'The rules do not allow it. Call dispatch.',
    },
    policy_error: {
      customer: 'Something went wrong on our side, so nothing opens.',
      driver: 'Something went wrong, so the answer is no. Call dispatch.',
    },
  },
};
