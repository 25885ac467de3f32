//! Notices that the editor is gone even if its end of the pipe stays open.
//!
//! An editor that is killed may leave its pipe to a child of its own, and then the end of the
//! input never comes. `initialize` names the editor's process for that case.

/// Calls `gone` once the process `id` has ended. Sleeps until then: the system says when.
///
/// Nothing is watched if the process cannot be found, which is so when editor and server live in
/// different containers, nor on systems that cannot tell.
#[cfg(target_os = "linux")]
pub(super) fn watch(id: i32, gone: impl FnOnce() + Send + 'static) {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};

    let process = match Pid::from_raw(id).map(|id| pidfd_open(id, PidfdFlags::empty())) {
        Some(Ok(process)) => process,
        Some(Err(error)) => {
            tracing::info!(id, %error, "the editor's process cannot be watched");
            return;
        }
        None => return,
    };
    let wait = move || {
        let mut ended = [PollFd::new(&process, PollFlags::IN)];
        loop {
            match poll(&mut ended, None) {
                Ok(_) => return gone(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::info!(id, %error, "the editor's process cannot be watched any more");
                    return;
                }
            }
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("pleach-parent".into())
        .spawn(wait)
    {
        tracing::info!(id, %error, "the editor's process cannot be watched");
    }
}

/// Other systems close the pipe with the process, which is enough.
#[cfg(not(target_os = "linux"))]
pub(super) fn watch(_id: i32, _gone: impl FnOnce() + Send + 'static) {}
