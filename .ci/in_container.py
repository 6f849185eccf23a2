#!/usr/bin/env python3
"""Run a command as `docker run` does without options: Docker's seccomp filter, capabilities, namespaces and mounts.

    .ci/in_container.py [--user USER[:GID]] [--root FOLDER] [--bind FROM:TO[:ro]]... [--env NAME=VALUE]... COMMAND...

Needs Linux, root and runc. The file system is FOLDER, or this machine's own, where nothing that is written stays and
mounts are not seen unless they are bound. The exit status is the command's. Docker's AppArmor profile is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
]
# Docker lists what is allowed; this is the rest, by what one would want it for. It allows some values of `personality`.
REFUSED_CALLS = """
    mount umount umount2 pivot_root move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr sysfs ustat
    setns unshare sethostname setdomainname vhangup
    add_key request_key keyctl
    bpf perf_event_open userfaultfd lookup_dcookie fanotify_init io_uring_setup io_uring_enter io_uring_register
    kcmp pidfd_getfd process_vm_readv process_vm_writev process_madvise personality
    init_module finit_module delete_module create_module query_module get_kernel_syms kexec_load kexec_file_load
    reboot acct swapon swapoff quotactl quotactl_fd nfsservctl syslog _sysctl uselib
    settimeofday stime clock_settime clock_settime64
    get_mempolicy set_mempolicy set_mempolicy_home_node mbind move_pages migrate_pages
    name_to_handle_at open_by_handle_at ioperm iopl vm86 vm86old pkey_alloc pkey_free pkey_mprotect
"""
# flags of clone: mount, cgroup, uts, ipc, user, pid, network
NEW_NAMESPACES = [1 << bit for bit in (17, 25, 26, 27, 28, 29, 30)]
AF_VSOCK = 40
ARCHITECTURES = {
    "x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
}
MASKED = [
    *(f"/proc/{name}" for name in ("acpi", "asound", "kcore", "keys", "latency_stats", "sched_debug", "scsi")),
    *("/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware"),
]
READ_ONLY = [f"/proc/{name}" for name in ("bus", "fs", "irq", "sys", "sysrq-trigger")]
# What is bound below a folder that is closed to others, such as /root, is open to the container's user all the same.
OWN_ROOT = """
mount -t tmpfs changes "$1/changes"
mkdir "$1/changes/upper" "$1/changes/work"
mount -t overlay -o "lowerdir=/,upperdir=$1/changes/upper,workdir=$1/changes/work" root "$1/root"
(cd "$1/root" && while read -r folder; do mkdir -p "$folder" && chmod o+x "$folder"; done < "$1/above-binds")
"""


def filtered() -> dict[str, object]:
    """Return the filter of system calls."""

    def refuse(name: str, *args: dict[str, object], error: int = 1) -> dict[str, object]:
        return {"names": [name], "action": "SCMP_ACT_ERRNO", "errnoRet": error, "args": list(args)}

    rules = [refuse(name) for name in REFUSED_CALLS.split()]
    rules.append(refuse("clone3", error=38))  # not there: the C library then calls clone, whose flags can be looked at
    rules.append(refuse("socket", {"index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_EQ"}))
    for flag in NEW_NAMESPACES:
        rules.append(refuse("clone", {"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}))
    architectures = ARCHITECTURES[platform.machine()]
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": architectures, "syscalls": rules}


def mounts(binds: list[str]) -> Iterator[dict[str, object]]:
    """Yield what is mounted: Docker's own file systems, then what was asked for."""
    for target, kind, options in (
        ("/proc", "proc", "nosuid,noexec,nodev"),
        ("/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
        ("/dev/pts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
        ("/dev/shm", "tmpfs", "nosuid,noexec,nodev,mode=1777,size=65536k"),
        ("/dev/mqueue", "mqueue", "nosuid,noexec,nodev"),
        ("/sys", "sysfs", "nosuid,noexec,nodev,ro"),
        ("/sys/fs/cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"),
    ):
        yield {"destination": target, "type": kind, "source": kind, "options": options.split(",")}
    for bind in binds:
        source, target, *more = bind.split(":")
        source = str(Path(source).resolve())
        yield {"destination": target, "type": "bind", "source": source, "options": ["rbind", "rprivate", *more]}


def above(binds: list[str]) -> Iterator[Path]:
    """Yield the folders above what is bound, from the top."""
    for bind in binds:
        yield from reversed(Path(bind.split(":")[1]).resolve().parents)


def who(user: str, root: Path) -> tuple[int, int, str]:
    """Return the user's number, group and home folder: of a name or a number, with or without an entry."""
    wanted, _, group = user.partition(":")
    for line in (root / "etc/passwd").read_text("utf-8").splitlines():
        name, _, uid, gid, _, home, *_ = line.split(":")
        if wanted in (name, uid):
            return int(uid), int(group or gid), home
    return int(wanted), int(group or 0), "/"


def specification(given: argparse.Namespace, root: Path, looked_up: Path) -> dict[str, object]:
    """Return what runc is told."""
    uid, gid, home = who(given.user, looked_up)
    held = CAPABILITIES if uid == 0 else []
    network = ["/etc/resolv.conf:/etc/resolv.conf:ro", "/etc/hosts:/etc/hosts:ro"] if given.network else []
    namespaces = ["pid", "ipc", "uts", "mount", *([] if given.network else ["network"])]
    process = {
        "user": {"uid": uid, "gid": gid}, "args": given.command, "cwd": given.workdir, "noNewPrivileges": False,
        "env": [f"PATH={PATH}", f"HOME={home}", "HOSTNAME=container", *given.env],
        "capabilities": {"bounding": CAPABILITIES, "effective": held, "permitted": held},
    }  # fmt: skip
    linux = {
        "namespaces": [{"type": kind} for kind in namespaces], "maskedPaths": MASKED, "readonlyPaths": READ_ONLY,
        "seccomp": filtered(), "resources": {"devices": [{"allow": False, "access": "rwm"}]},
    }  # fmt: skip
    return {
        "ociVersion": "1.0.2", "process": process, "root": {"path": str(root)}, "hostname": "container",
        "mounts": list(mounts([*network, *given.bind])), "linux": linux,
    }  # fmt: skip


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--user", default="0", metavar="USER[:GID]", help="name or number; root by default")
    parser.add_argument("--root", type=Path, metavar="FOLDER", help="the container's file system; changes stay in it")
    parser.add_argument("--bind", action="append", default=[], metavar="FROM:TO[:ro]", help="as docker's --volume")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--workdir", default="/")
    parser.add_argument("--network", action="store_true", help="this machine's network; else there is only loopback")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args()


def main() -> int:
    """Run the command; nothing of the container is left."""
    given = arguments()
    if os.geteuid() != 0 or shutil.which("runc") is None:
        sys.exit("in_container: needs root and runc (on Debian and Ubuntu: apt install runc)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="container-") as place:
        bundle = Path(place)
        for name in ("root", "changes"):
            (bundle / name).mkdir()
        root = given.root.resolve() if given.root else bundle / "root"
        told = specification(given, root, given.root or Path("/"))
        (bundle / "above-binds").write_text("".join(f".{folder}\n" for folder in above(given.bind)), encoding="utf-8")
        (bundle / "config.json").write_text(json.dumps(told), encoding="utf-8")
        runc = ["runc", "--root", f"{bundle}/state"]
        run = f'{"" if given.root else OWN_ROOT}\nshift; exec "$@"'
        script = ["unshare", "--mount", "sh", "-ec", run, "in_container", place]  # its mounts are gone with it
        try:
            return subprocess.run([*script, *runc, "run", "--bundle", place, bundle.name], check=False).returncode
        finally:
            subprocess.run([*runc, "delete", "--force", bundle.name], check=False, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
