//! A certificate proves a device only when everything about its chain is right.

use alloc::string::ToString;
use alloc::vec::Vec;

use carhop_kernel::device::DeviceClass;
use carhop_kernel::id::{DeviceId, TenantId};
use carhop_kernel::time::Timestamp;
use proptest::prelude::*;
use rcgen::{CertificateParams, Issuer, SanType};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::keys::{Signer, Subject};
use super::profile::{self, Role};
use super::*;
use crate::fixture::{NOW, ed25519, es256};
use crate::suite::{AwsLc, PublicKey, RustCrypto, SigningKey, Suite};

const SUITE: &dyn Suite = &RustCrypto;
const DEVICE: DeviceId = DeviceId::from_bytes([0xd1; 16]);
const SERIAL: Serial = Serial::from_random([0xff; 16]);
const DAY_MS: u64 = 86_400_000;

type Load = fn(&[u8], SigningKey) -> Result<(), IssueError>;

struct World {
    root: Root,
    locks: IssuingAuthority,
    servers: ServerAuthority,
}

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

fn world(name: &str) -> World {
    let tenant = tenant(name);
    let root = Root::create(SUITE, &tenant, es256(&[name, " root"].concat()), SERIAL, NOW).unwrap();
    let key = es256(&[name, " locks"].concat());
    let locks = root.issuing_authority(SUITE, DeviceClass::Lock, key, SERIAL, NOW).unwrap();
    let servers = root.server_authority(SUITE, es256("servers"), SERIAL, NOW).unwrap();
    World { root, locks, servers }
}

fn public(key: &SigningKey) -> PublicKey {
    SUITE.public_key(key).unwrap()
}

impl World {
    fn lock(&self) -> Vec<u8> {
        let csr = csr(SUITE, &es256("lock")).unwrap();
        self.locks.issue(SUITE, &csr, DEVICE, SERIAL, NOW).unwrap()
    }

    fn verify(&self, leaf: &[u8]) -> Result<DeviceCertificate, PkiError> {
        verify_device(&[leaf, self.locks.certificate()], &[self.root.certificate()], NOW)
    }
}

/// Whatever `params` say, signed by the authority with this certificate and key.
fn signed(params: &CertificateParams, subject: &SigningKey, by: (&[u8], &SigningKey)) -> Vec<u8> {
    let (certificate, key) = by;
    let certificate = CertificateDer::from(certificate);
    let issuer = Issuer::from_ca_cert_der(&certificate, Signer::new(SUITE, key).unwrap()).unwrap();
    let subject = public(subject);
    params.signed_by(&Subject(&subject), &issuer).unwrap().der().to_vec()
}

fn device_params(class: DeviceClass, name: &str) -> CertificateParams {
    let life = (NOW.minus_ms(1000), NOW.plus_ms(DAY_MS));
    profile::device(class, DEVICE, &tenant(name), SERIAL, life).unwrap()
}

#[test]
fn a_device_certificate_names_device_class_tenant_and_key() {
    let world = world("acme");
    for class in DeviceClass::ALL {
        let key = es256(class.name());
        let authority = es256("authority");
        let authority = world.root.issuing_authority(SUITE, class, authority, SERIAL, NOW).unwrap();
        let csr = csr(SUITE, &key).unwrap();
        let leaf = authority.issue(SUITE, &csr, DEVICE, SERIAL, NOW).unwrap();
        let chain = [&leaf[..], authority.certificate()];
        let device = verify_device(&chain, &[world.root.certificate()], NOW).unwrap();
        assert_eq!(device.class, class);
        assert_eq!(device.device, DEVICE);
        assert_eq!(device.tenant, tenant("acme"));
        assert_eq!(device.key, public(&key));
        assert_eq!(device.fingerprint, certificate_fingerprint(&leaf));
        assert_eq!(device.not_before, NOW.minus_ms(CLOCK_SKEW_MS));
        assert_eq!(device.not_after, NOW.plus_ms(device_lifetime_ms(class)));
        assert!(device.renewal_at() < NOW.plus_ms(device_lifetime_ms(class) / 2 + 1));
        assert!(leaf.len() < 800, "{}", leaf.len());
    }
}

#[test]
fn a_deterministic_suite_makes_the_same_certificate_twice() {
    assert_eq!(world("acme").lock(), world("acme").lock());
}

#[test]
fn a_certificate_ends_with_its_authority_at_the_latest() {
    let world = world("acme");
    let late = NOW.plus_ms(AUTHORITY_LIFETIME_MS - DAY_MS);
    let csr = csr(SUITE, &es256("lock")).unwrap();
    let leaf = world.locks.issue(SUITE, &csr, DEVICE, SERIAL, late).unwrap();
    let chain = [&leaf[..], world.locks.certificate()];
    let device = verify_device(&chain, &[world.root.certificate()], late).unwrap();
    assert_eq!(device.not_after, world.locks.not_after());
    for never in [world.locks.not_after(), NOW.minus_ms(CLOCK_SKEW_MS + 1000)] {
        let issued = world.locks.issue(SUITE, &csr, DEVICE, SERIAL, never);
        assert_eq!(issued, Err(IssueError::AuthorityNotValid));
    }
}

#[test]
fn time_decides_on_the_leaf_the_authority_and_the_root() {
    let world = world("acme");
    let leaf = world.lock();
    let chain = [&leaf[..], world.locks.certificate()];
    let at = |now| verify_device(&chain, &[world.root.certificate()], now).map(|_| ());
    for (now, expected) in [
        (NOW.minus_ms(CLOCK_SKEW_MS + 1000), Err(PkiError::NotYetValid)),
        (NOW.minus_ms(CLOCK_SKEW_MS), Ok(())),
        (NOW.plus_ms(7 * DAY_MS), Ok(())),
        (NOW.plus_ms(7 * DAY_MS + 1000), Err(PkiError::Expired)),
        (NOW.plus_ms(ROOT_LIFETIME_MS + 1000), Err(PkiError::Expired)),
        (Timestamp::from_unix_ms(0), Err(PkiError::NotYetValid)),
        (Timestamp::from_unix_ms(u64::MAX), Err(PkiError::Expired)),
    ] {
        assert_eq!(at(now), expected, "{now}");
    }
    // An eternal leaf does not outlive its authority, nor its root.
    let mut eternal = device_params(DeviceClass::Lock, "acme");
    eternal.not_after = rcgen::date_time_ymd(4000, 1, 1);
    let by = (world.locks.certificate(), world.locks.key());
    let leaf = signed(&eternal, &es256("lock"), by);
    let chain = [&leaf[..], world.locks.certificate()];
    let after =
        |span| verify_device(&chain, &[world.root.certificate()], NOW.plus_ms(span)).map(|_| ());
    assert_eq!(after(AUTHORITY_LIFETIME_MS), Ok(()));
    assert_eq!(after(AUTHORITY_LIFETIME_MS + 1000), Err(PkiError::Expired));
}

#[test]
fn a_root_ends_too() {
    let world = world("acme");
    let mut params = profile::authority(
        Role::Devices(DeviceClass::Lock),
        "eternal",
        Some(&tenant("acme")),
        SERIAL,
        (NOW, NOW.plus_ms(DAY_MS)),
    )
    .unwrap();
    params.not_after = rcgen::date_time_ymd(4000, 1, 1);
    let by = (world.root.certificate(), world.root.key());
    let authority = signed(&params, &es256("eternal"), by);
    let mut params = device_params(DeviceClass::Lock, "acme");
    params.not_after = rcgen::date_time_ymd(4000, 1, 1);
    let leaf = signed(&params, &es256("lock"), (&authority, &es256("eternal")));
    for (span, expected) in
        [(ROOT_LIFETIME_MS, Ok(())), (ROOT_LIFETIME_MS + 1000, Err(PkiError::Expired))]
    {
        let chain = [&leaf[..], &authority];
        let verified = verify_device(&chain, &[world.root.certificate()], NOW.plus_ms(span));
        assert_eq!(verified.map(|_| ()), expected);
    }
}

#[test]
fn a_foreign_authority_proves_nothing() {
    let (ours, theirs) = (world("acme"), world("acme2"));
    let leaf = theirs.lock();
    assert_eq!(ours.verify(&leaf), Err(PkiError::UnknownRoot));
    let chain = [&leaf[..], theirs.locks.certificate()];
    let roots = [ours.root.certificate()];
    assert_eq!(verify_device(&chain, &roots, NOW), Err(PkiError::UnknownRoot));
    assert_eq!(verify_device(&chain, &[], NOW), Err(PkiError::UnknownRoot));
    // The same names under another key: the signature tells.
    let key = es256("impostor");
    let impostor = Root::create(SUITE, &tenant("acme"), key, SERIAL, NOW).unwrap();
    let roots = [impostor.certificate()];
    let leaf = ours.lock();
    let chain = [&leaf[..], ours.locks.certificate()];
    assert_eq!(verify_device(&chain, &roots, NOW), Err(PkiError::BadSignature));
    // With both roots configured each chain finds its own.
    let roots = [theirs.root.certificate(), ours.root.certificate()];
    assert_eq!(verify_device(&chain, &roots, NOW).unwrap().tenant, tenant("acme"));
}

#[test]
fn leaves_that_say_something_else_than_their_authority_are_refused() {
    let world = world("acme");
    let by = (world.locks.certificate(), world.locks.key());
    let check = |change: &dyn Fn(&mut CertificateParams), expected: Result<(), PkiError>| {
        let mut params = device_params(DeviceClass::Lock, "acme");
        change(&mut params);
        let leaf = signed(&params, &es256("lock"), by);
        assert_eq!(world.verify(&leaf).map(|_| ()), expected);
    };
    check(&|_| {}, Ok(()));
    let pump = device_params(DeviceClass::Pump, "acme").custom_extensions;
    check(&|params| params.custom_extensions.clone_from(&pump), Err(PkiError::Class));
    check(&|params| params.custom_extensions.clear(), Err(PkiError::Class));
    let both = [device_params(DeviceClass::Lock, "acme").custom_extensions, pump].concat();
    check(&|params| params.custom_extensions.clone_from(&both), Err(PkiError::Class));
    let globex = device_params(DeviceClass::Lock, "globex").subject_alt_names;
    check(&|params| params.subject_alt_names.clone_from(&globex), Err(PkiError::Tenant));
    check(&|params| params.subject_alt_names.clear(), Err(PkiError::Tenant));
    check(&|params| params.subject_alt_names.truncate(1), Err(PkiError::Tenant));
    check(&|params| drop(params.subject_alt_names.remove(0)), Err(PkiError::Device));
    let second =
        SanType::URI(["urn:carhop:dev:", &DEVICE.to_string()].concat().try_into().unwrap());
    check(&|params| params.subject_alt_names.push(second.clone()), Err(PkiError::Device));
    let host = SanType::DnsName("carhop.example".try_into().unwrap());
    check(&|params| params.subject_alt_names.push(host.clone()), Err(PkiError::NameNotPermitted));
    let address = SanType::IpAddress([10, 0, 0, 1].into());
    check(
        &|params| params.subject_alt_names.push(address.clone()),
        Err(PkiError::NameNotPermitted),
    );
    let server = [rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    check(&|params| params.extended_key_usages = server.to_vec(), Err(PkiError::WrongUsage));
    check(&|params| params.extended_key_usages.clear(), Err(PkiError::WrongUsage));
    let agreement = [rcgen::KeyUsagePurpose::KeyAgreement];
    check(&|params| params.key_usages = agreement.to_vec(), Err(PkiError::WrongUsage));
    check(&|params| params.key_usages.clear(), Err(PkiError::WrongUsage));
    let authority = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    check(&|params| params.is_ca = authority, Err(PkiError::AuthorityAsLeaf));
}

#[test]
fn authorities_stay_in_their_place() {
    let world = world("acme");
    let root = [world.root.certificate()];
    let verify = |chain: &[&[u8]]| verify_device(chain, &root, NOW).map(|_| ());
    let leaf = world.lock();
    // An authority is no leaf.
    let authority = world.locks.certificate();
    assert_eq!(verify(&[authority]), Err(PkiError::AuthorityAsLeaf));
    // The authority is missing, or is another one's.
    assert_eq!(verify(&[&leaf]), Err(PkiError::UnknownRoot));
    assert_eq!(verify(&[&leaf, world.servers.certificate()]), Err(PkiError::UnknownRoot));
    // The root certifies no devices itself.
    let params = device_params(DeviceClass::Lock, "acme");
    let by_root = signed(&params, &es256("lock"), (world.root.certificate(), world.root.key()));
    assert_eq!(verify(&[&by_root]), Err(PkiError::Class));
    // A device certifies nothing.
    let below = signed(&params, &es256("other"), (&leaf, &es256("lock")));
    assert_eq!(verify(&[&below, &leaf, authority]), Err(PkiError::NotAnIssuer));
    // An issuing authority makes no further authority.
    let life = (NOW, NOW.plus_ms(DAY_MS));
    let role = Role::Devices(DeviceClass::Lock);
    let second = profile::authority(role, "second", Some(&tenant("acme")), SERIAL, life).unwrap();
    let second = signed(&second, &es256("second"), (authority, world.locks.key()));
    let below = signed(&params, &es256("lock"), (&second, &es256("second")));
    assert_eq!(verify(&[&below, &second, authority]), Err(PkiError::NotAnIssuer));
    // Not even one that its root left unconstrained.
    let mut between = profile::authority(role, "x", Some(&tenant("acme")), SERIAL, life).unwrap();
    between.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let by_root = (world.root.certificate(), world.root.key());
    let between = signed(&between, &es256("between"), by_root);
    let below = profile::authority(role, "y", Some(&tenant("acme")), SERIAL, life).unwrap();
    let below = signed(&below, &es256("below"), (&between, &es256("between")));
    let leaf = signed(&params, &es256("lock"), (&below, &es256("below")));
    assert_eq!(verify(&[&leaf, &below, &between]), Err(PkiError::Class));
    // The authority for servers makes no devices.
    let by = (world.servers.certificate(), world.servers.key());
    let by_servers = signed(&params, &es256("lock"), by);
    assert_eq!(verify(&[&by_servers, world.servers.certificate()]), Err(PkiError::WrongUsage));
}

#[test]
fn a_tenant_cannot_make_devices_of_another() {
    let world = world("acme");
    let life = (NOW, NOW.plus_ms(DAY_MS));
    let role = Role::Devices(DeviceClass::Lock);
    let globex = profile::authority(role, "globex", Some(&tenant("globex")), SERIAL, life).unwrap();
    let by = (world.root.certificate(), world.root.key());
    let authority = signed(&globex, &es256("globex"), by);
    let params = device_params(DeviceClass::Lock, "globex");
    let leaf = signed(&params, &es256("lock"), (&authority, &es256("globex")));
    let verified = verify_device(&[&leaf, &authority], &[world.root.certificate()], NOW);
    assert_eq!(verified, Err(PkiError::Tenant));
}

#[test]
fn requests_are_taken_only_with_proof_of_possession_and_a_p256_key() {
    let world = world("acme");
    let issue = |csr: &[u8]| world.locks.issue(SUITE, csr, DEVICE, SERIAL, NOW).map(|_| ());
    let good = csr(SUITE, &es256("lock")).unwrap();
    assert_eq!(issue(&good), Ok(()));
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(issue(&forged), Err(IssueError::NoPossession));
    // The key of another in a request of one's own.
    let point = public(&es256("lock"));
    let at = good.windows(65).position(|window| window == point.as_bytes()).unwrap();
    let mut stolen = good.clone();
    stolen[at..at + 65].copy_from_slice(public(&es256("other")).as_bytes());
    assert_eq!(issue(&stolen), Err(IssueError::NoPossession));
    assert_eq!(issue(&[&good[..], &[0]].concat()), Err(IssueError::MalformedRequest));
    assert_eq!(issue(&good[..good.len() - 1]), Err(IssueError::MalformedRequest));
    assert_eq!(issue(&[]), Err(IssueError::MalformedRequest));
    let long = [&good[..], &[0; CERTIFICATE_LENGTH_MAX]].concat();
    assert_eq!(issue(&long), Err(IssueError::MalformedRequest));
    assert_eq!(csr(SUITE, &ed25519("lock")), Err(IssueError::KeyKind));
    for kind in [&rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let key = rcgen::KeyPair::generate_for(kind).unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        assert_eq!(issue(request.der()), Err(IssueError::KeyKind), "{kind:?}");
    }
}

#[test]
fn what_a_request_asks_for_is_ignored() {
    let world = world("acme");
    let mut greedy = device_params(DeviceClass::Pump, "globex");
    greedy.serial_number = None;
    greedy.use_authority_key_identifier_extension = false;
    greedy.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let request = greedy.serialize_request(&Signer::new(SUITE, &es256("lock")).unwrap()).unwrap();
    let leaf = world.locks.issue(SUITE, request.der(), DEVICE, SERIAL, NOW).unwrap();
    assert_eq!(leaf, world.lock());
    assert_eq!(world.verify(&leaf).unwrap().class, DeviceClass::Lock);
}

#[test]
fn server_certificates_serve_their_names_and_are_no_devices() {
    let world = world("acme");
    let names = ["carhop.example", "localhost", "127.0.0.1", "::1"];
    let key = es256("server");
    let leaf = world.servers.issue(SUITE, &key, &names, SERIAL, NOW).unwrap();
    let der = CertificateDer::from(&leaf[..]);
    let end_entity = webpki::EndEntityCert::try_from(&der).unwrap();
    let root = CertificateDer::from(world.root.certificate());
    let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
    let authorities = [CertificateDer::from(world.servers.certificate())];
    let time = UnixTime::since_unix_epoch(core::time::Duration::from_secs(NOW.unix_s()));
    let usage = webpki::KeyUsage::server_auth();
    let algorithms = [webpki::aws_lc_rs::ECDSA_P256_SHA256];
    end_entity
        .verify_for_usage(&algorithms, &anchors, &authorities, time, usage, None, None)
        .unwrap();
    for (name, good) in names.map(|name| (name, true)).into_iter().chain([("evil.example", false)])
    {
        let name = ServerName::try_from(name).unwrap();
        assert_eq!(end_entity.verify_is_valid_for_subject_name(&name).is_ok(), good, "{name:?}");
    }
    let chain = [&leaf[..], world.servers.certificate()];
    let verified = verify_device(&chain, &[world.root.certificate()], NOW);
    assert_eq!(verified, Err(PkiError::WrongUsage));
    for wrong in [&[][..], &["a b"], &[""], &["x"; SERVER_NAMES_MAX + 1]] {
        let issued = world.servers.issue(SUITE, &key, wrong, SERIAL, NOW);
        assert_eq!(issued, Err(IssueError::ServerName), "{wrong:?}");
    }
}

#[test]
fn attestation_keys_are_certified_by_their_own_root_alone() {
    let world = world("acme");
    let key = es256("attester root");
    let root = AttestationRoot::create(SUITE, "software attester", key, SERIAL, NOW).unwrap();
    let key = public(&es256("attester"));
    let leaf = root.issue(SUITE, &key, "attester of demo", SERIAL, NOW, DAY_MS).unwrap();
    let verify = |leaf: &[u8], root: &[u8], now| verify_attestation_key(leaf, &[root], now);
    let thumbprint = certificate_fingerprint(root.certificate());
    assert_eq!(verify(&leaf, root.certificate(), NOW), Ok((key, thumbprint)));
    let foreign = es256("foreign");
    let foreign = AttestationRoot::create(SUITE, "foreign", foreign, SERIAL, NOW).unwrap();
    assert_eq!(verify(&leaf, foreign.certificate(), NOW), Err(PkiError::UnknownRoot));
    let later = NOW.plus_ms(DAY_MS + 1000);
    assert_eq!(verify(&leaf, root.certificate(), later), Err(PkiError::Expired));
    let by = (root.certificate(), root.key());
    let device = signed(&device_params(DeviceClass::Lock, "acme"), &es256("lock"), by);
    assert_eq!(verify(&device, root.certificate(), NOW), Err(PkiError::WrongUsage));
    // An attestation key is no device, even under a root that both trust.
    let roots = [root.certificate(), world.root.certificate()];
    assert_eq!(verify_device(&[&leaf], &roots, NOW), Err(PkiError::WrongUsage));
    let ed25519 = public(&ed25519("attester"));
    let issued = root.issue(SUITE, &ed25519, "x", SERIAL, NOW, DAY_MS);
    assert_eq!(issued, Err(IssueError::KeyKind));
}

#[test]
fn stored_authorities_load_as_what_they_are_and_nothing_else() {
    let world = world("acme");
    let attester = es256("attester root");
    let attester = AttestationRoot::create(SUITE, "attester", attester, SERIAL, NOW).unwrap();
    let key = |key: &SigningKey| from_pkcs8(&pkcs8(key).unwrap()).unwrap();
    let loads: [Load; 4] = [
        |certificate, key| Root::load(&AwsLc, certificate, key).map(|_| ()),
        |certificate, key| IssuingAuthority::load(&AwsLc, certificate, key).map(|_| ()),
        |certificate, key| ServerAuthority::load(&AwsLc, certificate, key).map(|_| ()),
        |certificate, key| AttestationRoot::load(&AwsLc, certificate, key).map(|_| ()),
    ];
    let stored = [
        (world.root.certificate(), world.root.key()),
        (world.locks.certificate(), world.locks.key()),
        (world.servers.certificate(), world.servers.key()),
        (attester.certificate(), attester.key()),
    ];
    for (row, load) in loads.into_iter().enumerate() {
        for (column, (certificate, own)) in stored.into_iter().enumerate() {
            let expected = if row == column { Ok(()) } else { Err(IssueError::NotThisAuthority) };
            assert_eq!(load(certificate, key(own)), expected, "{row} {column}");
        }
        let (certificate, _) = stored[row];
        assert_eq!(load(certificate, es256("other")), Err(IssueError::KeyMismatch));
        assert_eq!(load(&certificate[1..], es256("x")), Err(IssueError::NotThisAuthority));
    }
    let loaded =
        IssuingAuthority::load(SUITE, world.locks.certificate(), key(world.locks.key())).unwrap();
    assert_eq!((loaded.class(), loaded.tenant()), (DeviceClass::Lock, &tenant("acme")));
    let csr = csr(SUITE, &es256("lock")).unwrap();
    let leaf = loaded.issue(SUITE, &csr, DEVICE, SERIAL, NOW).unwrap();
    assert_eq!(leaf, world.lock());
    // A device's certificate with its own key is no authority, whatever its policy says.
    let loaded = IssuingAuthority::load(SUITE, &world.lock(), es256("lock"));
    assert_eq!(loaded.err(), Some(IssueError::NotThisAuthority));
}

#[test]
fn chains_are_bounded() {
    let world = world("acme");
    let leaf = world.lock();
    let root = [world.root.certificate()];
    let verify = |chain: &[&[u8]]| verify_device(chain, &root, NOW).map(|_| ());
    assert_eq!(verify(&[]), Err(PkiError::Bounds));
    let authority = world.locks.certificate();
    let mut chain = [authority; CHAIN_LENGTH_MAX + 1];
    chain[0] = &leaf;
    assert_eq!(verify(&chain[..CHAIN_LENGTH_MAX]), Ok(()));
    assert_eq!(verify(&chain), Err(PkiError::Bounds));
    let long = [&leaf[..], &[0; CERTIFICATE_LENGTH_MAX]].concat();
    assert_eq!(verify(&[&long, authority]), Err(PkiError::Bounds));
    assert_eq!(verify(&[&[&leaf[..], &[0]].concat(), authority]), Err(PkiError::Malformed));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_bit_never_verifies(position: prop::sample::Index, bit in 0u8..8, which: bool) {
        let world = world("acme");
        let leaf = world.lock();
        let mut certificates = [leaf, world.locks.certificate().to_vec()];
        let changed = &mut certificates[usize::from(which)];
        let position = position.index(changed.len());
        changed[position] ^= 1 << bit;
        let chain = [&certificates[0][..], &certificates[1]];
        let verified = verify_device(&chain, &[world.root.certificate()], NOW);
        prop_assert!(verified.is_err(), "byte {} {:?}", position, verified);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let world = world("acme");
        prop_assert!(world.verify(&bytes).is_err());
        prop_assert!(world.locks.issue(SUITE, &bytes, DEVICE, SERIAL, NOW).is_err());
        prop_assert!(from_pkcs8(&bytes).is_err());
        prop_assert!(Root::load(SUITE, &bytes, es256("x")).is_err());
    }

    #[test]
    fn damaged_requests_never_panic_and_never_give_another_key(
        position: prop::sample::Index, byte: u8
    ) {
        let world = world("acme");
        let mut request = csr(SUITE, &es256("lock")).unwrap();
        let position = position.index(request.len());
        request[position] = byte;
        if let Ok(leaf) = world.locks.issue(SUITE, &request, DEVICE, SERIAL, NOW) {
            prop_assert_eq!(world.verify(&leaf).unwrap().key, public(&es256("lock")));
        }
    }
}
