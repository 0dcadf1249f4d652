# shellcheck shell=bash
# Runs a command in a root that is this machine's, with all changes in an overlay that goes with it. Called inside of
# unshare --mount.
#
#   throw-away-root.sh SCRATCH COMMAND …    SCRATCH/share is /mnt there
set -e
. "$(dirname "${BASH_SOURCE[0]}")/overlay-root.sh"
scratch=$1
shift
mkdir -p "$scratch/share"
overlay_root "$scratch" run tmp
mount --bind "$scratch/share" "$root/mnt"
exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
	DEBIAN_FRONTEND=noninteractive "$@"
