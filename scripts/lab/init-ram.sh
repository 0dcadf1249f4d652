#!/bin/sh
# First process of a guest: finds the images by their serial numbers and stacks them into one root, the first on top.
# Writes go to memory, so that a guest may be killed at any time.
set -e
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
# Lines of paths, in the order in which they depend on each other.
while read -r module; do insmod "/$module" || [ "${module##*crc32c}" != "$module" ]; done </modules.list
stack=
for layer in app packages modules system daemons; do
	for device in /sys/block/vd*; do
		[ "$(cat "$device/serial")" = "$layer" ] || continue
		mkdir -p "/layers/$layer"
		mount -t ext4 -o ro "/dev/${device##*/}" "/layers/$layer"
		stack="$stack${stack:+:}/layers/$layer"
	done
done
mount -t tmpfs -o size=75% writes /writes
mkdir /writes/upper /writes/work
mount -t overlay -o "lowerdir=$stack,upperdir=/writes/upper,workdir=/writes/work" root /root
for folder in dev proc sys; do mount --move "/$folder" "/root/$folder"; done
exec switch_root /root /opt/lab/init </dev/console >/dev/console 2>&1
