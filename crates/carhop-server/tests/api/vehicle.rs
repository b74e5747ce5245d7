//! The car's positions: who may tell them, and what a moving car does (M-GEO-0, M-VEH-4).

use carhop_app::ports::Clock;
use serde_json::{Value, json};

use crate::stop::Stop;
use crate::world::{By, World};

fn seen(world: &World, source: &str, speed_mps: f64) -> Value {
    let unix_ms = i64::try_from(world.clock.now().unix_ms()).unwrap();
    let fixed_at = format!("{:.3}", jiff::Timestamp::from_millisecond(unix_ms).unwrap());
    json!({ "fixes": [{
        "latitude": 37.336, "longitude": -121.888, "accuracy_m": 5.0,
        "fixed_at": fixed_at, "speed_mps": speed_mps, "source": source,
    }] })
}

#[tokio::test]
async fn only_its_customer_and_telematics_speak_for_a_car_and_each_with_its_own_receiver() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let key = |scopes: Value| {
        let ask = json!({ "name": "key", "scopes": scopes });
        world.ask(By::Key(&world.admin), "POST", "/v1/api-keys", Some(ask))
    };
    let telematics = key(json!(["telematics"])).await.expect(201).text("key");
    let orders = key(json!(["orders"])).await.expect(201).text("key");
    let by_driver = By::Certificate(&stop.handset_client);
    let (of_car, of_driver) = (stop.path("vehicle-positions"), stop.path("positions"));
    for (by, path, source, status) in [
        (stop.by_customer(), &of_car, "fused", 200),
        (stop.by_customer(), &of_car, "telematics", 400),
        (stop.by_customer(), &of_car, "statement", 400),
        (By::Key(&telematics), &of_car, "telematics", 200),
        (By::Key(&telematics), &of_car, "gnss", 400),
        (By::Key(&orders), &of_car, "telematics", 403),
        (by_driver, &of_car, "fused", 403),
        (by_driver, &of_driver, "telematics", 400),
        (by_driver, &of_driver, "gnss", 200),
    ] {
        let answer = world.ask(by, "POST", path, Some(seen(&world, source, 0.0))).await;
        assert_eq!(answer.status, status, "{source}: {:?}", answer.body);
        if status == 400 {
            assert_eq!(answer.body["param"], "source");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn an_accuracy_that_nobody_has_is_refused() {
    let world = World::start().await;
    let stop = Stop::assigned(&world).await;
    let mut ask = seen(&world, "gnss", 0.0);
    ask["fixes"][0]["accuracy_m"] = json!(1e-300);
    let by_driver = By::Certificate(&stop.handset_client);
    let answer = world.ask(by_driver, "POST", &stop.path("positions"), Some(ask)).await;
    assert_eq!(answer.expect(400).body["param"], "fixes");
    world.stop().await;
}
