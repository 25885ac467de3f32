//! The supervisor: adopts every orphan of the command, watches what all of them use, and leaves nothing
//! behind.

use std::fs::{self, File};
use std::io::{self, Read as _, Stdin, stdin};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper, wait,
};

use super::{Ending, OUTCOME_FILE, Orders, Outcome, enter};

/// How often the use of memory and processes is looked at.
const LOOK_EVERY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// The helper's two parts: `supervise ORDERS WORD…` and, started by it, `enter ORDERS WORD…`.
pub(super) fn helper(mut arguments: impl Iterator<Item = String>) -> u8 {
    let (part, orders) = (arguments.next(), arguments.next());
    let argv: Vec<String> = arguments.collect();
    let orders = orders.and_then(|text| Some((serde_json::from_str(&text).ok()?, text)));
    match (part.as_deref(), orders) {
        (Some("supervise"), Some((orders, text))) => supervise(&orders, &text, &argv),
        (Some("enter"), Some((orders, _))) => enter::enter(&orders, &argv),
        _ => 1,
    }
}

fn supervise(orders: &Orders, text: &str, argv: &[String]) -> u8 {
    let started = hold(orders).and_then(|held| Ok((start(text, argv)?, held)));
    let outcome = match started {
        Err(error) => Outcome::NotStarted(error.to_string()),
        Ok((child, _held)) => {
            let stopped = Arc::new(Mutex::new(None));
            let is_over = Arc::new(AtomicBool::new(false));
            let watch = std::thread::spawn({
                let (stopped, is_over) = (Arc::clone(&stopped), Arc::clone(&is_over));
                let (memory, processes) = (orders.memory, orders.processes);
                move || watch(memory, processes, &stopped, &is_over)
            });
            let ending = adopt(&child, &is_over);
            drop(watch);
            let stopped = *stopped.lock().unwrap_or_else(PoisonError::into_inner);
            // What stopped it, rather than the signal that did.
            Outcome::Ended(stopped.unwrap_or(ending))
        }
    };
    let file = orders.outcome.join(OUTCOME_FILE);
    if fs::metadata(&file).is_ok_and(|file| file.len() > 0) {
        // It says why it could not become the command.
        return 0;
    }
    let written = serde_json::to_vec(&outcome).is_ok_and(|text| fs::write(&file, text).is_ok());
    u8::from(!written)
}

/// Takes the lock of the orders, which is let go when nothing is alive any more.
fn hold(orders: &Orders) -> io::Result<Option<File>> {
    let Some(path) = &orders.lock else {
        return Ok(None);
    };
    let held = File::create(path)?;
    held.try_lock()?;
    // Whoever ordered this may have gone before it was locked, and somebody else may have come.
    if is_cut(&mut stdin(), &AT_ONCE) {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(Some(held))
}

fn start(orders: &str, argv: &[String]) -> io::Result<Child> {
    set_child_subreaper(Some(getpid()))?;
    // This very program, even if its file was replaced meanwhile.
    let mut process = Command::new("/proc/self/exe");
    let own: Vec<String> = std::env::args().skip(1).collect();
    // The words that lead to the helper, whatever they are: all before its own.
    let words = own.iter().take_while(|word| *word != "supervise");
    process
        .args(words)
        .arg("enter")
        .arg(orders)
        .args(argv)
        .stdin(Stdio::null())
        .process_group(0);
    process.spawn()
}

/// Waits until the command has ended, and everything that it started.
fn adopt(child: &Child, is_over: &AtomicBool) -> Ending {
    let command = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let mut ending = Ending::Killed(0);
    loop {
        let has_ended = is_over.load(Ordering::Relaxed);
        let options = if has_ended {
            WaitOptions::NOHANG
        } else {
            WaitOptions::empty()
        };
        match wait(options) {
            Ok(Some((pid, status))) => {
                if Some(pid) == command {
                    ending = match (status.exit_status(), status.terminating_signal()) {
                        (Some(status), _) => Ending::Exited(status),
                        (None, signal) => Ending::Killed(signal.unwrap_or_default()),
                    };
                    is_over.store(true, Ordering::Relaxed);
                }
            }
            Ok(None) => {
                kill_all(&descendants());
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(Errno::INTR) => {}
            // No child is left.
            Err(_) => return ending,
        }
    }
}

/// Looks at what the command uses until it is over, or too much, or the pipe to the server closes. Then
/// kills until nothing is left: this process ends with the other thread.
fn watch(memory: u64, processes: u32, stopped: &Mutex<Option<Ending>>, is_over: &AtomicBool) {
    let mut rope = stdin();
    loop {
        let is_cut = is_cut(&mut rope, &LOOK_EVERY);
        let all = descendants();
        let too_many = all.len() > usize::try_from(processes).unwrap_or(usize::MAX);
        let reason = if too_many {
            Some(Ending::TooManyProcesses)
        } else if all.iter().map(|it| memory_of(it.pid)).sum::<u64>() > memory {
            Some(Ending::OutOfMemory)
        } else {
            None
        };
        if is_cut || reason.is_some() {
            *stopped.lock().unwrap_or_else(PoisonError::into_inner) = reason;
            kill_all(&all);
            is_over.store(true, Ordering::Relaxed);
            // A blocked wait of the other thread ends with the first that dies; what is forked meanwhile
            // is found again.
            loop {
                kill_all(&descendants());
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// Whether the pipe to the server is closed, or closes within this time.
fn is_cut(rope: &mut Stdin, within: &Timespec) -> bool {
    let mut ready = [PollFd::new(&*rope, PollFlags::IN)];
    match poll(&mut ready, Some(within)) {
        Ok(0) | Err(Errno::INTR) => false,
        Ok(_) => matches!(rope.read(&mut [0]), Ok(0) | Err(_)),
        Err(_) => true,
    }
}

/// A process below this one.
#[derive(Debug, Clone, Copy)]
struct Descendant {
    pid: Pid,
    group: Pid,
}

/// All processes below this one. Orphans are ours, so none is missed but those being born.
fn descendants() -> Vec<Descendant> {
    let mut all = Vec::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in entries {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some((parent, it)) = pid.and_then(relations) {
            all.push((parent, it));
        }
    }
    let mut found: Vec<Descendant> = Vec::new();
    let mut parents = vec![getpid()];
    while let Some(parent) = parents.pop() {
        for (_, it) in all.iter().filter(|(of, _)| *of == parent) {
            parents.push(it.pid);
            found.push(*it);
        }
    }
    found
}

/// The parent of a process, and its group.
fn relations(pid: i32) -> Option<(Pid, Descendant)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state parent group …`; the name may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(1);
    let mut next = || Pid::from_raw(fields.next()?.parse().ok()?);
    let (parent, group) = (next()?, next()?);
    let pid = Pid::from_raw(pid)?;
    Some((parent, Descendant { pid, group }))
}

/// Bytes that a process has for itself.
fn memory_of(pid: Pid) -> u64 {
    let pid = pid.as_raw_nonzero();
    let read = || {
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let mut fields = statm.split_whitespace().skip(1);
        let resident: u64 = fields.next()?.parse().ok()?;
        let shared: u64 = fields.next()?.parse().ok()?;
        let page = u64::try_from(rustix::param::page_size()).ok()?;
        Some(resident.saturating_sub(shared).saturating_mul(page))
    };
    read().unwrap_or_default()
}

/// Kills processes, by their groups first: nothing of a group escapes by forking meanwhile.
fn kill_all(all: &[Descendant]) {
    let own = rustix::process::getpgrp();
    for it in all {
        // What is gone needs no killing.
        if it.group != own {
            let _gone = kill_process_group(it.group, Signal::KILL).is_err();
        }
        let _gone = kill_process(it.pid, Signal::KILL).is_err();
    }
}
