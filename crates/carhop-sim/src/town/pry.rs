//! People of one tenant who reach for what is another's: they know its sessions, orders, devices and tokens by name, and try
//! to read them and to act on them. Whatever they are given is told; whose it is is for the model to say.

use std::rc::Rc;

use carhop_app::batch::Clearance;
use carhop_app::records::TrustSubject;
use carhop_app::{Call, Failure, Wanted};
use carhop_kernel::id::{DeviceId, OrderId, SessionId};
use carhop_kernel::order::Scope;
use carhop_kernel::session::LegIndex;

use crate::happening::{Belonging, Happening};
use crate::town::Town;
use crate::town::asking::{Caller, Denied, Told};
use crate::town::people::{named, order_of, step};
use crate::town::server::Process;
use crate::town::visit::Visit;

/// What another tenant's stop has that can be named.
#[derive(Clone, Copy)]
struct Other {
    session: SessionId,
    order: OrderId,
    device: DeviceId,
}

impl Told for Vec<Belonging> {}

/// The people of a stop reach for another tenant's.
pub(crate) async fn pry(town: &Rc<Town>, visit: &Rc<Visit>) {
    let visits = town.visits.borrow().clone();
    let others = visits.iter().filter(|other| other.tenant != visit.tenant);
    for other in others.take(STOPS_TRIED) {
        let (session, order) = (other.session.get(), other.order.get());
        let device = other.devices().next().map(|device| device.id);
        let (Some(session), Some(order), Some(device)) = (session, order, device) else { continue };
        let named = Other { session, order, device };
        let customer = visit.customer.borrow().clone();
        for caller in
            [&visit.staff, &visit.store, &visit.driver.caller].into_iter().chain(&customer)
        {
            read(town, caller, named).await;
        }
        steer(town, visit, named).await;
        drive(town, visit, named).await;
        use_secrets(town, visit, other, named).await;
    }
}

/// Everything that can be looked up by name or listed.
async fn read(town: &Rc<Town>, caller: &Caller, other: Other) {
    let asked = town.ask(caller, named(other.session, "pry"), move |process, call| {
        Box::pin(async move { seen(&process, &call, other).await })
    });
    if let Ok(given) = asked.await {
        tell(town, caller, given);
    }
}

async fn seen(process: &Process, call: &Call, other: Other) -> Result<Vec<Belonging>, Failure> {
    let (app, own, id) = (&process.app, &call.partition, other.session);
    let mut all = Vec::new();
    all.extend(
        given(app.view_session(call, id).await)?.map(|view| Belonging::Session(view.session.id)),
    );
    let places = given(app.places_of(call, id).await)?.unwrap_or_default();
    all.extend(places.first().map(|_| Belonging::Session(id)));
    all.extend(given(app.session_of_order(call, other.order).await)?.map(Belonging::Session));
    all.extend(
        given(app.view_device(own, other.device).await)?.map(|it| Belonging::Device(it.device)),
    );
    let heard = given(app.last_heard(own, other.device).await)?.flatten();
    all.extend(heard.map(|_| Belonging::Device(other.device)));
    let heads = app.list_sessions(own, None, None, LISTED_MAX).await?;
    all.extend(heads.iter().map(|head| Belonging::Session(head.session)));
    let devices = app.list_devices(own, None, LISTED_MAX).await?;
    all.extend(devices.iter().map(|it| Belonging::Device(it.device)));
    let decisions = app.decisions_of(own, id, None, LISTED_MAX).await?;
    all.extend(decisions.iter().map(|it| Belonging::Session(it.session)));
    let receipts = app.receipts_of(own, id, None, LISTED_MAX).await?;
    all.extend(receipts.iter().map(|it| Belonging::Device(it.device)));
    let history = app.history_of(own, id).await?;
    all.extend(history.iter().map(|it| Belonging::Event(it.id)));
    for session in [None, Some(id)] {
        let entries = app.feed(own, session, 0, LISTED_MAX).await?;
        all.extend(entries.iter().map(|it| Belonging::Event(it.recorded.id)));
    }
    Ok(all)
}

/// What there was; nothing if it is refused or said not to be there.
fn given<T>(found: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(failure @ (Failure::Journal(_) | Failure::Internal(_) | Failure::Contended)) => {
            Err(failure)
        }
        Err(_) => Ok(None),
    }
}

/// What staff and stores may do at their own stops and to their own devices.
async fn steer(town: &Rc<Town>, visit: &Rc<Visit>, other: Other) {
    let (staff, store, id, device) = (&visit.staff, &visit.store, other.session, other.device);
    let (stop, unit) = (Belonging::Session(id), Belonging::Device(device));
    let ask = named(id, "pry");
    done(town, staff, stop, &step!(town, staff, ask, |app, call| app.hold(&call, id).await));
    done(town, staff, stop, &step!(town, staff, ask, |app, call| app.resume(&call, id).await));
    let revoked = step!(town, staff, ask, |app, call| app.revoke(&call, id).await);
    done(town, staff, stop, &revoked);
    let driver = visit.driver.driver;
    let assigned = step!(town, staff, ask, |app, call| app.assign_driver(&call, id, driver).await);
    done(town, staff, stop, &assigned);
    let withdrawn = step!(town, staff, ask, |app, call| {
        app.withdraw_trust(&call, TrustSubject::Device(device), "pried").await
    });
    done(town, staff, unit, &withdrawn);
    let cleared = step!(town, staff, ask, |app, call| {
        app.clear_device(&call, device, Clearance::Freeze, "pried").await
    });
    done(town, staff, unit, &cleared);
    let linked = step!(town, store, ask, |app, call| app.issue_link(&call, id).await);
    done(town, store, stop, &linked);
    let (order, terms) = (other.order, order_of(town, visit));
    let amended = step!(town, store, ask, |app, call; terms| {
        app.amend_order(&call, order, 1, &terms).await
    });
    done(town, store, stop, &amended);
}

/// What drivers and customers may do at their own stops.
async fn drive(town: &Rc<Town>, visit: &Rc<Visit>, other: Other) {
    let (driver, id, ask) = (&visit.driver.caller, other.session, named(other.session, "pry"));
    let stop = Belonging::Session(id);
    let arrived = step!(town, driver, ask, |app, call| app.arrive(&call, id).await);
    done(town, driver, stop, &arrived);
    let token = step!(town, driver, ask, |app, call| app.issue_vehicle_token(&call, id).await);
    done(town, driver, stop, &token);
    let Some(customer) = visit.customer.borrow().clone() else { return };
    let code = step!(town, &customer, ask, |app, call| app.issue_code(&call, id).await);
    done(town, &customer, stop, &code);
    let revoked = step!(town, &customer, ask, |app, call| app.revoke(&call, id).await);
    done(town, &customer, stop, &revoked);
}

/// What the other tenant's customer was given, in the hands of this one's people and shown to their servers as theirs.
async fn use_secrets(town: &Rc<Town>, visit: &Rc<Visit>, other: &Visit, named_by: Other) {
    let (driver, ask, device) =
        (&visit.driver.caller, named(named_by.session, "pry"), named_by.device);
    let stop = Belonging::Session(named_by.session);
    let held = other.customer_token.borrow().clone().zip(other.customer.borrow().clone());
    if let Some((top, key)) = held.and_then(|(token, holder)| Some((token, holder.key?))) {
        let token = top.clone();
        let known = step!(town, driver, ask, |app, call; token| {
            app.authenticate_customer(&call.partition, &token, key).await.map(|_| true)
        });
        done(town, driver, stop, &known);
        let token = top.clone();
        let shown = step!(town, driver, ask, |app, call; token| {
            app.introspect_token(&call, &token).await?.map(|_| true).ok_or(Failure::NotFound)
        });
        done(town, driver, stop, &shown);
        let token = top.clone();
        let derived = step!(town, driver, ask, |app, call; token| {
            let wanted = Wanted { scope: Scope::GroceryHandoff, audience: device };
            app.exchange_token(&call, &token, wanted).await
        });
        done(town, driver, stop, &derived);
        let released = step!(town, driver, ask, |app, call; top| {
            app.release(&call, named_by.session, LegIndex(0), &top).await
        });
        done(town, driver, stop, &released);
    }
    let link = other.link.borrow().clone();
    if let (Some(link), Some(key)) = (link, driver.key) {
        let redeemed = step!(town, driver, ask, |app, call; link| {
            app.redeem_link(&call.partition, &link, key).await
        });
        done(town, driver, stop, &redeemed);
    }
}

/// What was done to something has reached it.
fn done<T>(town: &Town, caller: &Caller, to: Belonging, asked: &Result<T, Denied>) {
    if asked.is_ok() {
        tell(town, caller, vec![to]);
    }
}

fn tell(town: &Town, caller: &Caller, given: Vec<Belonging>) {
    let by = town.partition(caller.tenant).clone();
    town.heart.tell(Happening::Reached { by, given });
}

/// So many stops of others are tried.
const STOPS_TRIED: usize = 2;
/// So many of a list are looked at.
const LISTED_MAX: usize = 200;
