# Runs a command in a root that is this machine's, with all changes in an overlay that goes with it. Called inside of
# unshare --mount.
#
#   throw-away-root.sh SCRATCH COMMAND …    SCRATCH/share is /mnt there
set -e
scratch=$1
shift
mount --make-rprivate /
mkdir -p "$scratch/over" "$scratch/share"
mount -t tmpfs tmpfs "$scratch/over"
mkdir "$scratch/over/upper" "$scratch/over/work" "$scratch/over/root"
root=$scratch/over/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/over/upper,workdir=$scratch/over/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for folder in run tmp; do mount -t tmpfs tmpfs "$root/$folder"; done
mount --bind "$scratch/share" "$root/mnt"
exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
	DEBIAN_FRONTEND=noninteractive "$@"
