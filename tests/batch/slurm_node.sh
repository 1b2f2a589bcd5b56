#!/bin/sh
# Runs a command on a SLURM cluster of this one node, as root: slurm_node.sh FOLDER COMMAND... FOLDER takes all that the
# cluster keeps. Needs slurmctld, slurmd, slurm-client and munge. The cluster has a network and a host name of its own, so
# that it meets no other one, and nothing outside it.
set -eu
if [ "$1" != inside ]; then
    exec unshare --net --uts "$0" inside "$@"
fi
folder=$2
shift 2
hostname localhost
ip link set lo up
ip link add slurm0 type veth peer name slurm1  # where there is loopback alone, names are not looked up
ip address add 10.77.0.1/24 dev slurm0
ip link set slurm0 up
ip link set slurm1 up

mkdir -p "$folder/state" "$folder/spool"
export SLURM_CONF="$folder/slurm.conf"
cat > "$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MailProg=/bin/true
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES State=UP
CONF
head -c 1024 /dev/urandom > "$folder/munge.key"
chmod 400 "$folder/munge.key"

end() {
    for program in slurmd slurmctld munge; do  # each removes its file when it has ended
        [ ! -f "$folder/$program.pid" ] || kill "$(cat "$folder/$program.pid")" || true
        tries=0
        while [ -f "$folder/$program.pid" ] && [ "$tries" -lt 100 ]; do
            tries=$((tries + 1))
            sleep 0.1
        done
    done
}
trap end EXIT
munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munge.pid" \
    --seed-file="$folder/munge.seed" --log-file="$folder/munged.log"
slurmctld -c -L "$folder/slurmctld.log"
slurmd -N localhost -L "$folder/slurmd.log"
tries=0
until timeout 5 sinfo --noheader --format %T 2> "$folder/sinfo.log" | grep -q idle; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { echo "the node does not come up; see the logs in $folder" >&2; exit 1; }
    sleep 0.5
done
"$@"
