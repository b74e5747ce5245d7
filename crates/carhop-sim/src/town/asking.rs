//! How people ask servers, as an HTTP client would: over a network that loses, repeats and delays, and whose wire to one of
//! them is cut now and then, one way or both; again and again under one idempotency key, until there is an answer or patience
//! is out.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use carhop_app::ports::JournalError;
use carhop_app::{Call, Failure, Idempotency, Reply};
use carhop_kernel::actor::Actor;
use carhop_kernel::digest::KeyThumbprint;
use carhop_kernel::id::RequestId;
use carhop_kernel::reason::Reason;
use carhop_kernel::time::Timestamp;

use crate::happening::{Answer, Ask, Happening, Link, LinkState, PersonNumber, ServerNumber};
use crate::town::Town;
use crate::town::dice::Fault;
use crate::town::heart::{Nudge, Owner};
use crate::town::server::Process;

/// Who asks, and what the caller proves.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) person: PersonNumber,
    pub(crate) tenant: usize,
    pub(crate) actor: Actor,
    pub(crate) key: Option<KeyThumbprint>,
}

/// Why a question came to nothing.
#[derive(Clone, Debug)]
pub(crate) enum Denied {
    /// It was refused.
    Refused(Vec<Reason>),
    /// It failed.
    Failed(Failure),
    /// Nobody answered.
    Silence,
}

/// What a use case does with a call.
pub(crate) type Doing<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

/// What can be answered.
pub(crate) trait Told: 'static {
    /// As everybody may hear it.
    fn told(&self) -> Answer {
        Answer::Given
    }
}

impl Told for Reply {
    fn told(&self) -> Answer {
        Answer::Done(self.clone())
    }
}

/// A question under way.
struct Question<T> {
    /// When it is to arrive for the first time, if that matters.
    at: Cell<Option<Timestamp>>,
    caller: Caller,
    call: Call,
    run: Box<dyn Fn(Rc<Process>, Call) -> Doing<T>>,
    answer: RefCell<Option<Result<T, Failure>>>,
    nudge: Nudge,
}

impl Town {
    /// Asks until there is an answer.
    pub(crate) async fn ask<T: Told>(
        self: &Rc<Self>,
        caller: &Caller,
        ask: Ask,
        run: impl Fn(Rc<Process>, Call) -> Doing<T> + 'static,
    ) -> Result<T, Denied> {
        self.ask_in_time(caller, ask, None, run).await
    }

    async fn ask_in_time<T: Told>(
        self: &Rc<Self>,
        caller: &Caller,
        ask: Ask,
        at: Option<Timestamp>,
        run: impl Fn(Rc<Process>, Call) -> Doing<T> + 'static,
    ) -> Result<T, Denied> {
        let number = self.next_question();
        let question = Rc::new(Question {
            at: Cell::new(at),
            caller: caller.clone(),
            call: self.call(caller, number),
            run: Box::new(run),
            answer: RefCell::new(None),
            nudge: Nudge::default(),
        });
        let answer = self.insist(number, ask, &question).await;
        let told = match &answer {
            Ok(answer) => answer.told(),
            Err(Denied::Refused(reasons)) => Answer::Refused(reasons.clone()),
            Err(Denied::Failed(failure)) => Answer::Failed(failure.to_string()),
            Err(Denied::Silence) => Answer::Silence,
        };
        let person = caller.person;
        self.heart.tell(Happening::Answered { person, question: number, ask, answer: told });
        answer
    }

    /// Asks so that the first question is in a server's hands when its clock shows this time.
    pub(crate) async fn ask_at<T: Told>(
        self: &Rc<Self>,
        caller: &Caller,
        ask: Ask,
        at: Timestamp,
        run: impl Fn(Rc<Process>, Call) -> Doing<T> + 'static,
    ) -> Result<T, Denied> {
        self.ask_in_time(caller, ask, Some(at), run).await
    }

    async fn insist<T: Told>(
        self: &Rc<Self>,
        number: u64,
        ask: Ask,
        question: &Rc<Question<T>>,
    ) -> Result<T, Denied> {
        let mut last = Denied::Silence;
        let person = question.caller.person;
        let mut attempt = 0;
        while attempt < ATTEMPTS_MAX {
            let server = self.some_number();
            self.heart.tell(Happening::Asked { person, question: number, ask, server });
            self.deliver(server, question);
            let until = self.heart.now().plus_ms(PATIENCE_MS);
            self.heart.wait(&question.nudge, Some(until)).await;
            let answer = question.answer.borrow_mut().take();
            // Whoever sees that there is no network waits for it.
            attempt += u32::from(answer.is_some() || self.wire(person) == LinkState::Up);
            match answer {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(Failure::Refused(refusal, _))) => {
                    return Err(Denied::Refused(refusal.reasons().to_vec()));
                }
                Some(Err(failure @ (Failure::Journal(_) | Failure::Contended))) => {
                    last = Denied::Failed(failure);
                    let wait_ms = self.heart.draw(200, 1_000) << (attempt - 1).min(4);
                    self.heart.sleep(wait_ms).await;
                }
                Some(Err(failure)) => return Err(Denied::Failed(failure)),
                None => {}
            }
        }
        Err(last)
    }

    /// Sends a question off; it arrives once, or twice, or never, at once or much later.
    fn deliver<T: Told>(self: &Rc<Self>, server: ServerNumber, question: &Rc<Question<T>>) {
        let heart = &self.heart;
        let is_mute = matches!(self.wire(question.caller.person), LinkState::Mute | LinkState::Cut);
        if let Some(at) = question.at.take().filter(|_| !is_mute) {
            let (town, question) = (Rc::clone(self), Rc::clone(question));
            let clock = self.servers.iter().find(|it| it.number == server).map(|it| &it.clock);
            let at = clock.map_or(at, |clock| clock.world_time(at));
            return self.spawner.spawn(Owner::World, async move {
                town.heart.sleep_until(at).await;
                // What meets in one instant meets at any step of what the other does.
                for _ in 0..town.heart.draw(0, STEPS_APART_MAX) {
                    crate::executor::pause().await;
                }
                town.arrive(server, question);
            });
        }
        let mut delays = Vec::new();
        let soon = heart.draw(2, 60);
        if heart.strikes(Fault::AskSlow) && !is_mute {
            delays.push(heart.span(Fault::AskSlow, 1_000, 60_000));
        } else if !heart.strikes(Fault::AskLost) && !is_mute {
            delays.push(soon);
        }
        if heart.strikes(Fault::AskRepeated) && !is_mute {
            delays.push(match heart.span(Fault::AskRepeated, 0, 3) {
                0 => heart.span(Fault::AskRepeated, 0, 2 * 60 * 60_000),
                1 => heart.span(Fault::AskRepeated, 0, 20_000),
                // In the same instant.
                _ => delays.first().copied().unwrap_or(soon),
            });
        }
        for delay_ms in delays {
            let (town, question) = (Rc::clone(self), Rc::clone(question));
            self.spawner.spawn(Owner::World, async move {
                town.heart.sleep(delay_ms).await;
                town.arrive(server, question);
            });
        }
    }

    fn arrive<T: Told>(self: &Rc<Self>, server: ServerNumber, question: Rc<Question<T>>) {
        let town = Rc::clone(self);
        let Some(process) = self.process(server) else {
            let down = JournalError::Unavailable("no server".to_owned());
            return self.reply(&question, Err(down.into()));
        };
        self.spawner.spawn(Owner::Server(server), async move {
            let answer = town.serve(&process, &question).await;
            town.judge(&process, answer.as_ref().err());
            town.reply(&question, answer);
        });
    }

    /// What the HTTP layer does before a use case: a driver's device must still be one.
    async fn serve<T: Told>(
        &self,
        process: &Rc<Process>,
        question: &Question<T>,
    ) -> Result<T, Failure> {
        if let (Actor::Driver { .. }, Some(key)) = (question.call.actor, question.call.key) {
            process.app.authenticate_device(&question.call.partition, key).await?;
        }
        (question.run)(Rc::clone(process), question.call.clone()).await
    }

    fn reply<T: Told>(self: &Rc<Self>, question: &Rc<Question<T>>, answer: Result<T, Failure>) {
        let heart = &self.heart;
        let mut delay_ms = heart.draw(2, 60);
        let is_deaf = matches!(self.wire(question.caller.person), LinkState::Deaf | LinkState::Cut);
        if heart.strikes(Fault::AnswerLost) || is_deaf {
            return;
        }
        if heart.strikes(Fault::AnswerSlow) {
            delay_ms += heart.span(Fault::AnswerSlow, 1_000, 60_000);
        }
        let (town, question) = (Rc::clone(self), Rc::clone(question));
        self.spawner.spawn(Owner::World, async move {
            town.heart.sleep(delay_ms).await;
            // Whoever asked hears the first answer and has no ear for another.
            question.answer.borrow_mut().get_or_insert(answer);
            question.nudge.nudge();
        });
    }

    /// What gets through to and from somebody.
    fn wire(&self, person: PersonNumber) -> LinkState {
        self.cut_off.borrow().get(&person).copied().unwrap_or(LinkState::Up)
    }

    /// From now on only this gets through to and from somebody.
    pub(crate) fn set_wire(&self, person: PersonNumber, state: LinkState) {
        match state {
            LinkState::Up => self.cut_off.borrow_mut().remove(&person),
            LinkState::Deaf | LinkState::Mute | LinkState::Cut => {
                self.cut_off.borrow_mut().insert(person, state)
            }
        };
        self.heart.tell(Happening::Partitioned { link: Link::Person(person), state });
    }

    fn call(&self, caller: &Caller, number: u64) -> Call {
        let PersonNumber(person) = caller.person;
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&number.to_be_bytes());
        Call {
            partition: self.partition(caller.tenant).clone(),
            actor: caller.actor,
            key: caller.key,
            stop: None,
            mutual_tls: matches!(caller.actor, Actor::Driver { .. }),
            request: RequestId::generate(self.heart.now(), self.heart.bytes()),
            idempotency: Some(Idempotency { slot: format!("{person}/{number}"), fingerprint }),
            standing: None,
        }
    }
}

/// So many steps lie at most between two questions that arrive in one instant; a release takes about as many.
const STEPS_APART_MAX: u64 = 32;
/// How often somebody asks before giving up.
const ATTEMPTS_MAX: u32 = 6;
/// How long somebody waits for an answer.
const PATIENCE_MS: u64 = 8_000;
