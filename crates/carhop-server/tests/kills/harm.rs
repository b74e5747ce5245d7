//! What befalls server, locks and pumps: killed with `kill -9` and started again, standing still (`SIGSTOP`) and going on
//! later as if nothing had been, and no room on the server's disk. Which, when and for how long is drawn.
//!
//! What comes of it is not looked at here.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use carhop_server::timers::sleep;
#[cfg(target_os = "linux")]
use power_cut::Fault;
use tokio::process::Child;

use crate::host::Host;
use crate::lane::Lane;
use crate::progress::Dice;

/// What a process is told without being asked.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// To stand still wherever it is.
    Stop,
    /// To go on from there.
    Continue,
}

impl Signal {
    /// Sends it, as POSIX' shells do.
    pub fn send(self, process: &Child) {
        let name = match self {
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        };
        let process = process.id().unwrap().to_string();
        let sent = Command::new("sh").args(["-c", "kill -s $0 $1", name, &process]).status();
        assert!(sent.unwrap().success(), "{name} could not be sent");
    }
}

/// Whom something befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Server,
    Lock(usize),
    Pump(usize),
}

/// Everything that befalls them.
pub struct Harms {
    /// What draws it.
    pub dice: Dice,
    host: Arc<Host>,
    lanes: Vec<Arc<Lane>>,
    /// Who stands still, and until which round.
    still: Vec<(Victim, u64)>,
    full_until: Option<u64>,
    killed: [u64; 3],
    stilled: [u64; 3],
    filled: u64,
}

impl Harms {
    /// Nothing yet.
    pub fn new(host: Arc<Host>, lanes: Vec<Arc<Lane>>, dice: Dice) -> Self {
        let (still, full_until) = (Vec::new(), None);
        let (killed, stilled, filled) = ([0; 3], [0; 3], 0);
        Self { dice, host, lanes, still, full_until, killed, stilled, filled }
    }

    /// Does one of it.
    pub async fn strike(&mut self, round: u64) {
        let lane = usize::try_from(self.dice.below(self.lanes.len() as u64)).unwrap();
        let victim = match self.dice.below(3) {
            0 => Victim::Server,
            1 => Victim::Lock(lane),
            _ => Victim::Pump(lane),
        };
        match self.dice.below(40) {
            0..28 => self.kill(victim).await,
            28..39 => self.still(victim, round).await,
            _ => self.fill(round),
        }
    }

    /// Lets go on what has stood still for long enough, and gives back the room on the disk.
    pub async fn mend(&mut self, round: u64) {
        let due: Vec<_> = self.still.extract_if(.., |(_, until)| *until <= round).collect();
        for (victim, _) in due {
            self.signal(victim, Signal::Continue).await;
        }
        if self.full_until.take_if(|until| *until <= round).is_some() {
            #[cfg(target_os = "linux")]
            NO_ROOM.lift(&self.host.beside("controls")).unwrap();
        }
    }

    /// What there was, in words.
    pub fn told(&self) -> String {
        let told = |[servers, locks, pumps]: [u64; 3]| {
            format!("{servers} servers, {locks} locks, {pumps} pumps")
        };
        let refusals = self.host.progress.full();
        format!(
            "{} killed; {} stood still; the disk full {} times, {refusals} refusals for want of room",
            told(self.killed),
            told(self.stilled),
            self.filled
        )
    }

    async fn kill(&mut self, victim: Victim) {
        self.killed[victim.kind()] += 1;
        self.still.retain(|(other, _)| *other != victim);
        match victim {
            Victim::Server => self.host.kill_and_restart().await,
            Victim::Lock(lane) => self.lanes[lane].lock.lock().await.kill_and_restart().await,
            Victim::Pump(lane) => self.lanes[lane].pump.lock().await.kill_and_restart().await,
        }
    }

    /// A device stands still while others go on; a server for a while of its own, as nothing happens without it.
    async fn still(&mut self, victim: Victim, round: u64) {
        self.stilled[victim.kind()] += 1;
        self.signal(victim, Signal::Stop).await;
        let for_long = self.dice.below(LONG_ONE_IN) == 0;
        if victim == Victim::Server {
            sleep(if for_long { LONG } else { SHORT * u32::try_from(self.dice.below(8)).unwrap() })
                .await;
            self.signal(victim, Signal::Continue).await;
        } else {
            let rounds_max = if for_long { LONG_ROUNDS } else { SHORT_ROUNDS };
            self.still.retain(|(other, _)| *other != victim);
            self.still.push((victim, round + 1 + self.dice.below(rounds_max)));
        }
    }

    async fn signal(&self, victim: Victim, signal: Signal) {
        match victim {
            Victim::Server => self.host.signal(signal).await,
            Victim::Lock(lane) => self.lanes[lane].lock.lock().await.signal(signal),
            Victim::Pump(lane) => self.lanes[lane].pump.lock().await.signal(signal),
        }
    }

    /// No file of the server's can grow any more.
    fn fill(&mut self, round: u64) {
        let until = round + FULL_ROUNDS + self.dice.below(FULL_ROUNDS);
        #[cfg(target_os = "linux")]
        NO_ROOM.set(&self.host.beside("controls")).unwrap();
        self.filled += 1;
        self.full_until = Some(until);
    }
}

impl Victim {
    const fn kind(self) -> usize {
        match self {
            Self::Server => 0,
            Self::Lock(_) => 1,
            Self::Pump(_) => 2,
        }
    }
}

#[cfg(target_os = "linux")]
const NO_ROOM: Fault = Fault::Room(0);
/// Every so manieth stands still for long: for longer than a command lives.
const LONG_ONE_IN: u64 = 16;
const LONG: Duration = Duration::from_secs(6);
/// An eighth of the longest short time.
const SHORT: Duration = Duration::from_millis(50);
const LONG_ROUNDS: u64 = 60;
const SHORT_ROUNDS: u64 = 12;
/// How long there is no room at least: until what lies ready of the write-ahead log is used up.
const FULL_ROUNDS: u64 = 12;
