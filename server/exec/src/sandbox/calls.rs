//! System calls that a confined command has no use for, by seccomp: they answer "not permitted".

use std::collections::BTreeMap;

use landlock::ABI;
use seccompiler::{
    SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Is, SeccompCondition as Condition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

/// Calls that change the machine, leave the fence, or reach what the fence does not know.
const FORBIDDEN: [i64; 35] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];
/// Calls that say they do not exist, so that programs take another way: their arguments cannot be
/// looked at (new namespaces), or they do what others are forbidden (connections).
const UNKNOWN: [i64; 2] = [libc::SYS_clone3, libc::SYS_io_uring_setup];
/// On `x86_64` a second table of the same calls, for programs with short pointers.
#[cfg(target_arch = "x86_64")]
const SECOND_TABLE: Option<i64> = Some(0x4000_0000);
#[cfg(not(target_arch = "x86_64"))]
const SECOND_TABLE: Option<i64> = None;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Failed = Box<dyn std::error::Error>;

/// Forbids them to this process and all that come from it. `spared` are processes that must not be
/// signalled.
pub(super) fn forbid(
    network: bool,
    abi: ABI,
    spared: impl Iterator<Item = u32>,
) -> Result<(), Failed> {
    let mut rules: Rules = FORBIDDEN
        .into_iter()
        .map(|call| (call, Vec::new()))
        .collect();
    if abi < ABI::V3 {
        // Not under Landlock's rules before its third version.
        rules.insert(libc::SYS_truncate, Vec::new());
    }
    // Services of the same person listen at sockets in the file system and would do anything. A pair of
    // sockets, between one's own processes, is allowed.
    if network {
        let internet = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
        let others: Result<Vec<_>, _> = internet
            .into_iter()
            .map(|family| condition(0, Is::Ne, family.unsigned_abs()))
            .collect();
        rules.insert(libc::SYS_socket, vec![SeccompRule::new(others?)?]);
    } else {
        rules.insert(libc::SYS_socket, Vec::new());
    }
    // Keys pressed in the name of the person, into the terminal that the server was started from.
    let typed = [libc::TIOCSTI, libc::TIOCLINUX].map(u32::try_from);
    rules.insert(
        libc::SYS_ioctl,
        any_of(1, typed.into_iter().filter_map(Result::ok))?,
    );
    // A new user namespace gives rights that no rule here thought of.
    let namespace = libc::CLONE_NEWUSER.unsigned_abs();
    let in_namespace = condition(0, Is::MaskedEq(namespace.into()), namespace)?;
    rules.insert(libc::SYS_clone, vec![SeccompRule::new(vec![in_namespace])?]);
    // Its own limits are its own; those of others are not.
    let others = condition(0, Is::Ne, 0)?;
    rules.insert(libc::SYS_prlimit64, vec![SeccompRule::new(vec![others])?]);
    let spared: Vec<u32> = spared.collect();
    for call in [
        libc::SYS_tkill,
        libc::SYS_tgkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_open,
    ] {
        rules.insert(call, any_of(0, spared.iter().copied())?);
    }
    // As whole groups, or everybody there is, as well.
    let groups = spared.iter().map(|pid| pid.wrapping_neg());
    let targets = spared.iter().copied().chain(groups).chain([u32::MAX]);
    rules.insert(libc::SYS_kill, any_of(0, targets)?);

    let unknown = UNKNOWN.into_iter().map(|call| (call, Vec::new())).collect();
    apply(unknown, libc::ENOSYS)?;
    apply(rules, libc::EPERM)
}

fn condition(argument: u8, is: Is, value: u32) -> Result<Condition, seccompiler::BackendError> {
    Condition::new(argument, Width::Dword, is, value.into())
}

/// Matches when an argument is one of some values.
fn any_of(argument: u8, values: impl Iterator<Item = u32>) -> Result<Vec<SeccompRule>, Failed> {
    values
        .map(|value| Ok(SeccompRule::new(vec![condition(argument, Is::Eq, value)?])?))
        .collect()
}

fn apply(rules: Rules, error: i32) -> Result<(), Failed> {
    let mut all = rules.clone();
    if let Some(offset) = SECOND_TABLE {
        all.extend(
            rules
                .into_iter()
                .map(|(call, rules)| (call + offset, rules)),
        );
    }
    let filter = SeccompFilter::new(
        all,
        SeccompAction::Allow,
        SeccompAction::Errno(error.unsigned_abs()),
        TargetArch::try_from(std::env::consts::ARCH)?,
    )?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    Ok(apply_filter(&program)?)
}
