//! The whole server on ephemeral ports with real TLS, asked as its clients ask it.

#[cfg(test)]
mod amendments;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod authenticator;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod callers;
#[cfg(test)]
mod console;
#[cfg(test)]
mod disputes;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod estimates;
#[cfg(test)]
mod events;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod renewals;
#[cfg(test)]
mod staff;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tiles;
#[cfg(test)]
mod vehicle;
#[cfg(test)]
mod venues;
#[cfg(test)]
mod world;
