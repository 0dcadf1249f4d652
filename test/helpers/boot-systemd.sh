# shellcheck shell=bash
# Debian's systemd as pid 1 of namespaces of its own, over this machine's files, of which it changes none: everything
# below / is an overlay that goes with it. Called inside of unshare --mount --pid --uts --ipc --fork.
#
#   boot-systemd.sh SCRATCH PROJECT    SCRATCH/units, SCRATCH/etc: what is put into /run/units and /etc/clear-df
set -e
. "$(dirname "${BASH_SOURCE[0]}")/overlay-root.sh"
scratch=$1 project=$2
overlay_root "$scratch" run tmp var/log
mount -t sysfs sysfs "$root/sys"
mkdir -p "$root/run/units/service.d" "$root/run/lock" "$root/etc/clear-df" "$root$project"
[ -e "$root$project/package.json" ] || mount --bind "$project" "$root$project"
# A machine with the old hierarchies cannot give its controllers away: systemd gets one by its own name.
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	umount "$root/sys/fs/cgroup"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
	mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
fi
# Nothing of the machine's own is started.
for target in sysinit basic network-online shutdown multi-user umount local-fs; do
	printf '[Unit]\nDefaultDependencies=no\n' >"$root/run/units/$target.target"
done
printf '[Service]\nStandardOutput=append:/run/out\nStandardError=append:/run/out\n' >"$root/run/units/service.d/out.conf"
cp "$scratch"/units/* "$root/run/units/"
cp "$scratch"/etc/* "$root/etc/clear-df/"
cd "$root"
mkdir run/old
pivot_root . run/old
umount -l /run/old
cd /
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/run/units \
	/lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=false
