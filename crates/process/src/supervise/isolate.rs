//! Namespaces.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;

use rustix::process::{Signal, getegid, geteuid, set_child_subreaper, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, set_capabilities, unshare_unsafe,
};

use super::{mounts, watch};
use crate::channel::{self, Reply, Setup};
use crate::outcome::Isolation;

/// What failed, and why.
pub(super) type Refused = (&'static str, io::Error);

/// Prepares as the caller asks, then watches or lets the inner process do so.
pub(super) fn outer(channel: &UnixStream, inner: &[OsString]) -> io::Result<()> {
    let Some(setup) = channel::receive::<Setup>(channel)? else { return Ok(()) };
    if setup.isolation == Isolation::Subreaper {
        // Only the caller's channel counts here: this process has to live to kill the others.
        set_child_subreaper(rustix::process::Pid::from_raw(1))?;
        return watch::watch(channel, watch::Bond::Subreaper);
    }
    let started = enter(&setup).map_err(|refused| (refused.0.to_owned(), refused.1)).and_then(|()| {
        // Its first argument is this program, as it was called.
        std::process::Command::new("/proc/self/exe")
            .args(&inner[1..])
            .spawn()
            .map_err(|error| ("start the first process of a PID namespace".to_owned(), error))
    });
    match started {
        Ok(mut child) => {
            child.wait()?;
            Ok(())
        }
        Err((step, error)) => {
            channel::send(channel, &Reply::Refused { step, errno: error.raw_os_error().unwrap_or_default() })
        }
    }
}

/// The first process of the PID namespace.
pub(super) fn inner(channel: &UnixStream) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // Where the kernel does not permit it, the command sees the processes of the machine, with their ids there.
    let own_proc = mounts::mount_proc().is_ok();
    drop_capabilities()?;
    watch::watch(channel, watch::Bond::PidNamespace { own_proc })
}

fn enter(setup: &Setup) -> Result<(), Refused> {
    let step = |step: &'static str| move |errno: rustix::io::Errno| (step, errno.into());
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(step("be ended with the caller"))?;
    let mut flags = UnshareFlags::NEWPID | UnshareFlags::NEWNS;
    if setup.isolation == Isolation::UserNamespace {
        flags |= UnshareFlags::NEWUSER;
    }
    let (uid, gid) = (geteuid(), getegid());
    #[expect(
        unsafe_code,
        reason = "the call is unsafe for its flags that part threads (descriptors, signals) alone"
    )]
    // SAFETY: none of those is set, and this process has one thread.
    let unshared = unsafe { unshare_unsafe(flags) };
    unshared.map_err(step("make a PID namespace"))?;
    if setup.isolation == Isolation::UserNamespace {
        // The user stays who they are; nobody else exists in there.
        let map = |step: &'static str, file: &str, text: String| {
            fs::write(file, text).map_err(|error| (step, error))
        };
        map("keep the groups in a user namespace", "/proc/self/setgroups", "deny".to_owned())?;
        map("map the user", "/proc/self/uid_map", format!("{uid} {uid} 1", uid = uid.as_raw()))?;
        map("map the group", "/proc/self/gid_map", format!("{gid} {gid} 1", gid = gid.as_raw()))?;
    }
    mounts::part_from_the_machine()?;
    if let Some(overlay) = &setup.overlay {
        mounts::mount_overlay(overlay)?;
    }
    if setup.isolation == Isolation::UserNamespace && !uid.is_root() {
        keep_for_proc().map_err(step("hand a capability on"))?;
    }
    Ok(())
}

/// The inner process mounts `/proc`; being no root in its namespace, it would lose the right to when it is executed.
fn keep_for_proc() -> rustix::io::Result<()> {
    let ours = capabilities(None)?;
    set_capabilities(
        None,
        CapabilitySets { inheritable: ours.inheritable | CapabilitySet::SYS_ADMIN, ..ours },
    )?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)
}

/// The command gets no right that the user does not have.
fn drop_capabilities() -> io::Result<()> {
    if geteuid().is_root() {
        return Ok(());
    }
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}
