//! The driver who presents what is not the customer's code.

use carhop_app::Presented;
use carhop_kernel::reason::Reason;
use carhop_sim::fixtures::goods;
use carhop_sim::stop::{Stop, scene};

use super::reasons;

#[test]
fn wrong_codes_exhaust_the_code_then_the_stop_and_each_try_is_durable() {
    let log = scene(15, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        stop.bind().await?;
        stop.assign().await?;
        stop.stay().await?;
        stop.arrive().await?;
        let (app, id) = (&world.app, stop.session);
        let code = app.issue_code(&stop.by_customer(), id).await?;
        let wrong = if code.digits == "111111" { "222222" } else { "111111" };
        for tries in 1..=5 {
            let tried = app.present_proof(&stop.by_driver(), id, Presented::Digits(wrong)).await;
            assert_eq!(reasons(tried), [Reason::CodeWrong]);
            assert_eq!(stop.check().await?.count("proof.failed"), tries);
        }
        let right = Presented::Digits(&code.digits);
        let tried = app.present_proof(&stop.by_driver(), id, right).await;
        assert_eq!(reasons(tried), [Reason::CodeAttemptsExhausted]);
        assert_eq!(stop.check().await?.count("proof.failed"), 5, "nothing was compared");
        let code = app.issue_code(&stop.by_customer(), id).await?;
        for _ in 6..=10 {
            let tried = app.present_proof(&stop.by_driver(), id, Presented::Digits(wrong)).await;
            assert!(!reasons(tried).is_empty());
        }
        let tried = app.present_proof(&stop.by_driver(), id, Presented::Digits(&code.digits)).await;
        assert_eq!(reasons(tried), [Reason::CodeAttemptsExhausted], "ten tries at one stop");
        app.issue_code(&stop.by_customer(), id).await?;
        let more = app.issue_code(&stop.by_customer(), id).await;
        assert_eq!(reasons(more), [Reason::CodeIssuesExhausted]);
        Ok(())
    });
    let log = log.unwrap();
    assert_eq!((log.count("presence.proven"), log.count("release.authorised")), (0, 0));
    assert_eq!(log.count("proof.failed"), 10);
    let refused = log.count("request.refused");
    assert_eq!(refused, 3, "a sixth try of one code, an eleventh and a fourth code are in the log");
}

#[test]
fn a_code_or_scan_counts_once_here_and_now() {
    let log = scene(16, async |world, cast| {
        let stop = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        let other = Stop::place(world, cast, vec![goods(cast.lock)]).await?;
        for stop in [&stop, &other] {
            stop.bind().await?;
            stop.assign().await?;
            stop.stay().await?;
            stop.arrive().await?;
        }
        let (app, id) = (&world.app, stop.session);
        let first = app.issue_code(&stop.by_customer(), id).await?;
        let code = app.issue_code(&stop.by_customer(), id).await?;
        let foreign = app.issue_code(&other.by_customer(), other.session).await?;
        for (sentence, presented) in [
            ("a burned code", Presented::Digits(&first.digits)),
            ("a burned scan", Presented::Scan(&first.scan)),
            ("another stop's scan", Presented::Scan(&foreign.scan)),
            ("another stop's digits", Presented::Digits(&foreign.digits)),
        ] {
            let tried = app.present_proof(&stop.by_driver(), id, presented).await;
            assert_eq!(reasons(tried), [Reason::CodeWrong], "{sentence}");
        }
        app.present_proof(&stop.by_driver(), id, Presented::Scan(&code.scan)).await?;
        for again in [Presented::Scan(&code.scan), Presented::Digits(&code.digits)] {
            let tried = app.present_proof(&stop.by_driver(), id, again).await;
            assert_eq!(reasons(tried), [Reason::CodeSpent], "a code counts once");
        }
        let late = app.issue_code(&other.by_customer(), other.session).await?;
        world.pass(121_000).await?;
        let digits = Presented::Digits(&late.digits);
        let tried = app.present_proof(&other.by_driver(), other.session, digits).await;
        assert_eq!(reasons(tried), [Reason::CodeExpired]);
        Ok(())
    });
    assert_eq!(log.unwrap().count("presence.proven"), 1);
}
