//! Links the kernel, the proofs and the agent into a program of this machine that has no `std`.
//! If any of them, or anything below them, reached for `std`, there would be two panic handlers and
//! no program (design: section 9.4). It decides nothing; it exists to be linked.

#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int};
use core::hint::spin_loop;
use core::panic::PanicInfo;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

use carhop_agent as _;
use carhop_kernel::digest::hex_decode;
use carhop_proofs as _;

/// Where the C runtime begins. Zero if the kernel reads a hexadecimal digit.
#[unsafe(no_mangle)]
pub extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    c_int::from(hex_decode(concat!("0", "f")) != Some([0x0f]))
}

#[panic_handler]
fn stop(_: &PanicInfo) -> ! {
    loop {
        spin_loop();
    }
}

/// The prebuilt `alloc` names this for unwinding, which the profile `no-std` has turned off.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Hands out a fixed piece of memory once and takes nothing back: enough for a proof.
struct Bump {
    memory: UnsafeCell<[u8; MEMORY_SIZE]>,
    used: AtomicUsize,
}

// SAFETY: `used` only grows, so no two callers are given the same bytes of `memory`.
unsafe impl Sync for Bump {}

// SAFETY: each returned range lies within `memory`, is aligned, and is handed out once.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.memory.get().cast::<u8>();
        let fit = |used: usize| {
            let padding = start.wrapping_add(used).align_offset(layout.align());
            let begin = used.checked_add(padding)?;
            let end = begin.checked_add(layout.size())?;
            (end <= MEMORY_SIZE).then_some((begin, end))
        };
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            fit(used).map(|(_, end)| end)
        });
        taken.ok().and_then(fit).map_or(null_mut(), |(begin, _)| start.wrapping_add(begin))
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: Bump = Bump { memory: UnsafeCell::new([0; MEMORY_SIZE]), used: AtomicUsize::new(0) };

const MEMORY_SIZE: usize = 1 << 20;
