#!/bin/sh
# init.sh: process 1 of a director (a User Mode Linux machine of the rack).
#
# The root file system is the host's own, read only; this script lays private
# memory over every place a daemon writes to, so that nothing done in the
# machine reaches the host. Only $RACK, the rack's own folder on the host's
# tmpfs, is shared: it is mounted, writable, at the same path in the machine.
# The kernel hands us RACK, REPO, NODE (d1) and N (1) from its command line.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=/root
LANG=C.UTF-8
export PATH HOME LANG
umask 022

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /run/lock /run/lib/modules \
	/run/over/etc /run/over/etc.w /run/over/var /run/over/var.w \
	/run/over/root /run/over/root.w
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ln -s /proc/self/fd /dev/fd

# Modules are found under /run/lib/modules, also by the kernel itself.
kernel=$(uname -r)
ln -s "/usr/lib/uml/modules/$kernel" "/run/lib/modules/$kernel"
# shellcheck disable=SC2016 # the text is for the other shell
printf '#!/bin/sh\nexec /sbin/modprobe -d /run "$@"\n' >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
modprobe -d /run overlay

for top in etc var root; do
	mount -t overlay overlay -o \
"lowerdir=/$top,upperdir=/run/over/$top,workdir=/run/over/$top.w" "/$top"
done
mount -t tmpfs tmpfs /var/log
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
for dir in corosync keepalived yoke; do
	[ ! -d "/var/lib/$dir" ] || mount -t tmpfs tmpfs "/var/lib/$dir"
done
mkdir -p /var/lib/corosync

# What those mounts hide but the machine needs. "sync": the host sees what is
# written as soon as it is written.
mkdir -p "$RACK" 2>/dev/null
mount -t hostfs -o "sync,noatime,$RACK" none "$RACK"
case $REPO in
/tmp/* | /run/* | /dev/* | /var/* | /root/*)
	mkdir -p "$REPO"
	mount -t hostfs -o "ro,$REPO" none "$REPO"
	;;
esac

hostname "$NODE"
printf '127.0.0.1 localhost\n10.77.0.1 d1\n10.77.0.2 d2\n' >/etc/hosts

modprobe -d /run -a ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_sh \
	ip_vs_mh ip_vs_dh ip_vs_lblc ip_vs_lblcr ip_vs_sed ip_vs_nq ip_vs_fo \
	ip_vs_ovf

for card in all default vec0 vec1 vec2; do
	echo 0 >"/proc/sys/net/ipv4/conf/$card/rp_filter"
	echo 0 >"/proc/sys/net/ipv6/conf/$card/accept_dad"
	echo 0 >"/proc/sys/net/ipv6/conf/$card/accept_ra"
	echo 0 >"/proc/sys/net/ipv4/conf/$card/send_redirects"
done
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding

ip -force -batch - <<-END
	link set lo up
	link set vec0 name eth0
	link set vec1 name eth1
	link set vec2 name eth2
	link set eth0 up
	link set eth1 up
	link set eth2 up
	addr add 10.77.0.$N/24 dev eth0
	addr add 10.77.1.$N/24 dev eth1
	addr add 10.77.9.$N/24 dev eth2
	addr add fd77::$N/64 dev eth0 nodad
	addr add fd77:1::$N/64 dev eth1 nodad
END

# One CPU, no preemption: woken up, the thread that receives waits for the
# timer (10 ms) behind whoever runs, and so does all traffic. README.md says it
# of such directors.
for pid in $(pgrep 'ksoftirqd|^rcu_'); do
	chrt -f -p 30 "$pid"
done

# The shell stays as process 1: it reaps what daemons leave behind.
while :; do
	/usr/bin/python3 -SE "${0%/*}/agent.py" "$NODE" "10.77.9.$N" \
		"$RACK/$NODE/ready"
done
