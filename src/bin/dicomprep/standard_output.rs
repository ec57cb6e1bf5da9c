//! Standard output that cannot be written: closed, or open for reading alone.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::ensure;
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::fcntl_getfd;
use rustix::stdio::stdout;

/// True if the program was started with standard output closed.
static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Runs before `main`: by then Rust has opened /dev/null in place of a closed standard output, and whatever is written
/// there seems to arrive.
#[used]
#[expect(
    unsafe_code,
    reason = "the only place where the state that the program was started in is still there"
)]
// SAFETY: the loader calls what stands here before `main`. The function makes one system call and stores its result.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    WAS_CLOSED.store(fcntl_getfd(stdout()).is_err(), Ordering::Relaxed);
}

/// # Errors
/// Where nothing that is printed would arrive, though writing it does not fail.
pub(crate) fn check() -> anyhow::Result<()> {
    ensure!(
        !WAS_CLOSED.load(Ordering::Relaxed),
        "standard output is closed; use >/dev/null where it is not wanted"
    );
    let readable_alone = fcntl_getfl(stdout()).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDONLY);
    ensure!(!readable_alone, "standard output is not open for writing");
    Ok(())
}
