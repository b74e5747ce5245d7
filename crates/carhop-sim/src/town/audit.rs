//! What is looked at once a world has come to its end: the log is whole and says what the journal says, every release was
//! decided, and every server shows every session as its events tell it, bit for bit.

use std::rc::Rc;

use carhop_app::App;
use carhop_app::batch::Stream;
use carhop_app::ports::Journal;
use carhop_app::record::Partition;
use carhop_kernel::id::SessionId;
use carhop_kernel::session::{Session, evolve, open};

use crate::happening::{Broken, Happening};
use crate::invariants::{self, Books};
use crate::town::Town;
use crate::town::server::Server;

/// Looks at everything.
pub(crate) async fn whole(town: &Rc<Town>) -> Result<(), Broken> {
    let Some(process) = town.servers.iter().find_map(Server::process) else {
        return Err(Broken::new("servers_come_back", "none runs"));
    };
    for tenant in &town.tenants {
        let partition = &tenant.partition;
        let books = Books { app: &process.app, journal: town.disk.journal(), partition };
        invariants::check_books(&books)
            .await
            .map_err(|error| Broken::new("the_log_is_consistent", error.to_string()))?;
    }
    sessions(town).await
}

async fn sessions(town: &Rc<Town>) -> Result<(), Broken> {
    let visits = town.visits.borrow().clone();
    for visit in visits {
        let Some(id) = visit.session.get() else { continue };
        let partition = town.partition(visit.tenant);
        let Some(told) = folded(town.disk.journal(), partition, id).await else {
            return Err(Broken::new("acknowledged_is_remembered", format!("{id} is gone")));
        };
        if town.disk.session(id).as_ref() != Some(&told) {
            return Err(Broken::new("replay_gives_the_live_state", id.to_string()));
        }
        for process in town.servers.iter().filter_map(Server::process) {
            let shown = shown(&process.app, town, visit.tenant, id).await?;
            if shown != told {
                return Err(Broken::new("replay_gives_the_live_state", id.to_string()));
            }
            let (server, viewer) = (process.number, partition.clone());
            town.heart.tell(Happening::Viewed { server, viewer, session: Box::new(shown) });
            for (other, tenant) in town.tenants.iter().enumerate() {
                let call = town.by_staff(other);
                if other != visit.tenant
                    && let Ok(view) = process.app.view_session(&call, id).await
                {
                    let (viewer, session) = (tenant.partition.clone(), Box::new(view.session));
                    town.heart.tell(Happening::Viewed { server, viewer, session });
                }
            }
        }
    }
    Ok(())
}

async fn shown(app: &App, town: &Town, tenant: usize, id: SessionId) -> Result<Session, Broken> {
    let view = app.view_session(&town.by_staff(tenant), id).await;
    view.map(|view| view.session)
        .map_err(|failure| Broken::new("staff_sees_every_session", format!("{id}: {failure}")))
}

/// A session as its durable events tell it.
async fn folded(journal: &dyn Journal, partition: &Partition, id: SessionId) -> Option<Session> {
    let events = journal.stream(partition.clone(), Stream::Session(id)).await.ok()?;
    let mut bodies = events.iter().filter_map(|recorded| recorded.body.of_session());
    let first = open(bodies.next()?)?;
    Some(bodies.fold(first, evolve))
}
