# shellcheck shell=bash
# Sourced: a root that is this machine's, with all changes in an overlay that goes with it. For a mount namespace of its own.

# overlay_root SCRATCH FOLDER …    sets $root; the folders are empty there
overlay_root() {
	local over=$1/over folder
	shift
	mount --make-rprivate /
	mkdir -p "$over"
	mount -t tmpfs tmpfs "$over"
	mkdir "$over/upper" "$over/work" "$over/root"
	root=$over/root
	mount -t overlay overlay -o "lowerdir=/,upperdir=$over/upper,workdir=$over/work" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	for folder in "$@"; do mount -t tmpfs tmpfs "$root/$folder"; done
}
