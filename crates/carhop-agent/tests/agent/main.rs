//! The device side as a whole, through its inputs and outputs alone.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod cancels;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod lock;
#[cfg(test)]
mod pump;
