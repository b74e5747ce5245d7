//! Every target for a moment, the same moment each time. Hours of it: `cargo xtask fuzz`.

use hostile_input::{brief, target, targets};

/// One test for each target, so that one that fails is named.
macro_rules! briefly {
    ($($test:ident: $name:literal $mutations:literal;)*) => {
        $(
            #[test]
            fn $test() {
                brief::run(target($name).unwrap(), $mutations);
            }
        )*

        #[test]
        fn every_target_is_run() {
            let run = [$($name),*];
            let known: Vec<_> = targets().iter().map(|target| target.name).collect();
            let mut sorted = run.to_vec();
            let mut expected = known;
            sorted.sort_unstable();
            expected.sort_unstable();
            assert_eq!(sorted, expected);
        }
    };
}

briefly! {
    agent: "agent" 300;
    attestation: "attestation" 1_000;
    attestation_certificate: "attestation-certificate" 2_000;
    attestation_claims: "attestation-claims" 300;
    cbor: "cbor" 20_000;
    certificate: "certificate" 2_000;
    certificate_request: "certificate-request" 1_000;
    checkpoint: "checkpoint" 5_000;
    checkpoint_text: "checkpoint-text" 2_000;
    command: "command" 3_000;
    command_payload: "command-payload" 1_000;
    detached: "detached" 3_000;
    device_log: "device-log" 1_000;
    envelope: "envelope" 3_000;
    fence: "fence" 5_000;
    fix: "fix" 10_000;
    frame: "frame" 20_000;
    gateway: "gateway" 2_000;
    issuer_certificate: "issuer-certificate" 500;
    json: "json" 10_000;
    key_proof: "key-proof" 2_000;
    key_proof_claims: "key-proof-claims" 300;
    key_proof_header: "key-proof-header" 500;
    leaf: "leaf" 10_000;
    name: "name" 20_000;
    passkey_challenge: "passkey-challenge" 2_000;
    passkey_key: "passkey-key" 2_000;
    passkey_made: "passkey-made" 2_000;
    passkey_signature: "passkey-signature" 1_000;
    passkey_words: "passkey-words" 5_000;
    policies: "policies" 30;
    polygon: "polygon" 5_000;
    private_key: "private-key" 500;
    public_key: "public-key" 5_000;
    rungs: "rungs" 200;
    scanned_claims: "scanned-claims" 300;
    scanned_code: "scanned-code" 3_000;
    sealed_value: "sealed-value" 5_000;
    secret: "secret" 10_000;
    settings: "settings" 5_000;
    statement: "statement" 1_000;
    statement_payload: "statement-payload" 200;
    stored_effect: "stored-effect" 5_000;
    stored_event: "stored-event" 5_000;
    tile: "tile" 5_000;
    tile_path: "tile-path" 10_000;
    time_reply: "time-reply" 3_000;
    time_reply_payload: "time-reply-payload" 1_000;
    tree_proof: "tree-proof" 1_000;
    typed_code: "typed-code" 10_000;
    verifier_key: "verifier-key" 10_000;
}
