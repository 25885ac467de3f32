//! The last step: this process restricts itself, for good, and becomes the command.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, getppid, setrlimit};

use super::{OUTCOME_FILE, Orders, Outcome, SandboxError, calls};

/// Devices that every program may use.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Whether the kernel has Landlock. (Every kernel that has it can have seccomp; where it has not,
/// entering fails, and says so.)
pub(super) fn is_available() -> Result<(), SandboxError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create)
        .map(drop)
        .map_err(|error| SandboxError::Unavailable {
            why: format!("the kernel has no Landlock ({error})"),
        })
}

/// Restricts this process and becomes the command. Returns only when that failed, with the reason
/// written down where the supervisor finds it.
pub(super) fn enter(orders: &Orders, argv: &[String]) -> u8 {
    // Opened before it is out of reach. It closes by itself when the command begins.
    let file = File::create(orders.outcome.join(OUTCOME_FILE));
    let why = restrict(orders).map_or_else(
        |error| error,
        |()| match argv.split_first() {
            None => "there is no program".to_owned(),
            Some((program, words)) => Command::new(program).args(words).exec().to_string(),
        },
    );
    // The supervisor cannot tell a command that failed from one that never began.
    let text = serde_json::to_vec(&Outcome::NotStarted(why)).unwrap_or_default();
    let _written = file.and_then(|mut file| file.write_all(&text)).is_ok();
    127
}

fn restrict(orders: &Orders) -> Result<(), String> {
    limit(orders).map_err(|error| format!("limits could not be set: {error}"))?;
    let abi = fence(orders).map_err(|error| format!("Landlock: {error}"))?;
    let spared = getppid()
        .map(|parent| parent.as_raw_nonzero().get().unsigned_abs())
        .into_iter()
        .chain(orders.spare.iter().copied());
    calls::forbid(orders.network, abi, spared).map_err(|error| format!("seccomp: {error}"))
}

fn limit(orders: &Orders) -> rustix::io::Result<()> {
    let most = |value: u64| Rlimit {
        current: Some(value),
        maximum: Some(value),
    };
    setrlimit(Resource::Core, most(0))?;
    setrlimit(Resource::Cpu, most(orders.cpu_seconds))?;
    setrlimit(Resource::Data, most(orders.memory))?;
    setrlimit(Resource::Fsize, most(orders.file))
}

/// Files, connections and signals, by Landlock. Returns the version in force.
fn fence(orders: &Orders) -> Result<ABI, Box<dyn std::error::Error>> {
    let abi = ABI::V9;
    let read = AccessFs::from_read(abi);
    let write = read | writing();
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .scope(Scope::from_all(abi))?;
    if !orders.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
    }
    let devices = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate;
    let status = ruleset
        .create()?
        .add_rules(path_beneath_rules(&orders.read, read))?
        .add_rules(path_beneath_rules(&orders.write, write))?
        .add_rules(path_beneath_rules(DEVICES, devices))?
        .restrict_self()?;
    match (status.ruleset, status.landlock) {
        (
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced,
            LandlockStatus::Available { effective_abi, .. },
        ) if status.no_new_privs => Ok(effective_abi),
        _ => Err("the kernel did not enforce it".into()),
    }
}

/// What may be done in a folder that is written: everything but making devices.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::WriteFile
        | AccessFs::RemoveDir
        | AccessFs::RemoveFile
        | AccessFs::MakeDir
        | AccessFs::MakeReg
        | AccessFs::MakeSock
        | AccessFs::MakeFifo
        | AccessFs::MakeSym
        | AccessFs::Refer
        | AccessFs::Truncate
}
