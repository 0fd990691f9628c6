#!/bin/sh
# PID 1 of a guest: a User-Mode Linux kernel whose root is a read-only view of the cached root.
# The kernel's command line says who it is: lab_name, lab_ip, lab_role (server or client), lab_grace.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/run LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2> /dev/null
for word in $(cat /proc/cmdline); do
    case $word in lab_*=*) eval "${word%%=*}='${word#*=}'" ;; esac
done
mkdir -p /dev/shm /dev/pts
for directory in /dev/shm /run /tmp /mnt /srv /var/log; do mount -t tmpfs tmpfs $directory; done
mkdir -p /run/lock /run/rpcbind /run/sendsigs.omit.d /run/rpc_pipefs /run/disk /mnt/spool /mnt/small /mnt/squash
hostname "$lab_name"
ip link set lo up
ip address add "$lab_ip/24" dev vec0
ip link set vec0 gso_max_segs 1 gso_max_size 1500 # this driver loses frames of several segments
ip link set vec0 up

mount -t ext4 /dev/ubda /run/disk # it outlives the guest, as a disk does
mkdir -p /run/disk/nfs/sm /run/disk/nfs/sm.bak /run/disk/nfs/nfsdcld /run/disk/nfs/v4recovery
for file in etab rmtab xtab; do : >> "/run/disk/nfs/$file"; done
chown -R statd /run/disk/nfs/sm /run/disk/nfs/sm.bak
mount --bind /run/disk/nfs /var/lib/nfs

modprobe sunrpc
mount -t rpc_pipefs pipefs /run/rpc_pipefs
modprobe iptable_filter
modprobe ipt_REJECT
rpcbind -w
if [ "$lab_role" = server ]; then
    modprobe lockd nlm_grace_period="$lab_grace"
    modprobe nfsd
    mount -t nfsd nfsd /proc/fs/nfsd
    mkdir -p /run/disk/srv
    mount --bind /run/disk/srv /srv
    mkdir -p /srv/spool /srv/squash /srv/small
    chmod 1777 /srv/spool
    chown 0:2000 /srv/squash
    chmod 2775 /srv/squash
    mount -t ext4 /dev/ubdb /srv/small
    chmod 1777 /srv/small
    nfsdcld
    echo "$lab_grace" > /proc/fs/nfsd/nfsv4leasetime
    echo "$lab_grace" > /proc/fs/nfsd/nfsv4gracetime
    rpc.statd
    exportfs -i -o rw,sync,no_subtree_check,no_root_squash,fsid=0 '*:/srv'
    exportfs -i -o rw,sync,no_subtree_check,no_root_squash,fsid=2 '*:/srv/small'
    exportfs -i -o rw,sync,no_subtree_check,root_squash,fsid=3 '*:/srv/squash'
    rpc.mountd
    rpc.nfsd 8
else
    modprobe nfsv4
    modprobe nfsv3
    rpc.statd
fi
sm-notify 2> /dev/null
mount -t hostfs none /src -o "$lab_source"
python3 /lab/agent.py &
while :; do
    wait
    sleep 1
done
