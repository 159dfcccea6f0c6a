#!/bin/sh
# install.sh [--root DIR] [--init systemd|openrc|sysvinit|bsd] [--uninstall]
# Installs GVAD (docs/guest-contract.md) as a service that starts at boot, so that this system can be a base image.
# Run it as root, inside the system. It says what it does; a second time, it does only what is missing.
#   --root DIR   the system is in this folder, and not the one that runs
#   --init NAME  of the system; found out where not given
set -eu
umask 022

root=
init=
action=install
changed=0
here=$(dirname "$0")

usage() {
	echo 'usage: install.sh [--root DIR] [--init systemd|openrc|sysvinit|bsd] [--uninstall]' >&2
	exit 2
}

fail() { # MESSAGE
	echo "install.sh: $1" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
	--root)
		root=${2:-}
		root=${root%/}
		[ -d "${2:-}" ] || fail "there is no folder ${2:-}"
		shift
		;;
	--init)
		init=${2:-}
		case $init in systemd | openrc | sysvinit | bsd) ;; *) usage ;; esac
		shift
		;;
	--uninstall) action=uninstall ;;
	*) usage ;;
	esac
	shift
done

content() { # NAME: prints a file that is installed; false where there is none. One-file installers have their own
	[ -f "$here/$1" ] && cat "$here/$1"
}
#@CONTENT@

detect_init() { # sets $init
	if [ -z "$root" ] && [ -d /run/systemd/system ]; then
		init=systemd
	elif [ -e "$root/sbin/openrc-run" ] || [ -e "$root/usr/sbin/openrc-run" ]; then
		init=openrc
	elif [ -e "$root/etc/rc.subr" ]; then
		init=bsd
	elif [ -e "$root/lib/systemd/systemd" ] || [ -e "$root/usr/lib/systemd/systemd" ]; then
		init=systemd
	elif [ -d "$root/etc/init.d" ]; then
		init=sysvinit
	else
		fail "neither systemd, OpenRC, sysvinit nor BSD's rc.d is in ${root:-this system}: name it by --init"
	fi
}

did() { # TEXT
	changed=1
	echo "install.sh: $1"
}

put() { # NAME TARGET MODE: writes a file whole or not at all
	target=$root$2
	mkdir -p "$(dirname "$target")"
	content "$1" >"$target.new" || { rm -f "$target.new" && fail "$1 is not beside install.sh"; }
	chmod "$3" "$target.new"
	if cmp -s "$target.new" "$target" && [ "$(mode_of "$target")" = "$(mode_of "$target.new")" ]; then
		rm -f "$target.new"
	else
		mv -f "$target.new" "$target"
		did "wrote $2"
	fi
}

mode_of() { # FILE: as ls says it
	# shellcheck disable=SC2012 # there is no other way in POSIX, and the name is one of ours
	ls -l "$1" | cut -c 1-10
}

link() { # TARGET PATH
	[ "$(readlink "$root$2" 2>/dev/null)" != "$1" ] || return 0
	mkdir -p "$(dirname "$root$2")"
	ln -sf "$1" "$root$2"
	did "linked $2 to $1"
}

discard() { # PATH
	if [ ! -e "$root$1" ] && [ ! -L "$root$1" ]; then return; fi
	rm -f "$root$1"
	did "removed $1"
}

has_command() { # NAME
	for folder in /bin /sbin /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin; do
		[ ! -x "$root$folder/$1" ] || return 0
	done
	return 1
}

install_programs() {
	put gvad /usr/sbin/gvad 755
	put gvad-ovf-env /usr/sbin/gvad-ovf-env 755
	# Only a guest that is booted directly, by GVA, is ever woken: no system need have this.
	[ ! -f "$here/gvad-wake" ] || put gvad-wake /usr/sbin/gvad-wake 755
	for command in mount umount awk dd df mktemp; do
		has_command "$command" || echo "install.sh: warning: GVAD needs the command $command, which is not here" >&2
	done
	has_command findfs || has_command blkid ||
		echo 'install.sh: warning: GVAD finds disks by findfs or blkid, and neither is here' >&2
}

# The line of the events is GVAD's alone: a login there would hang it up.
serial_login='/^[^#].*ttyS0/'

free_serial_line() {
	unit=/etc/systemd/system/serial-getty@ttyS0.service
	if [ "$init" = systemd ] && [ ! -e "$root$unit" ] && [ ! -L "$root$unit" ]; then
		link /dev/null $unit
	fi
	inittab=$root/etc/inittab
	[ -f "$inittab" ] && grep -q '^[^#].*ttyS0' "$inittab" || return 0
	sed "${serial_login}s/^/#gvad# /" "$inittab" >"$inittab.new"
	cat "$inittab.new" >"$inittab"
	rm -f "$inittab.new"
	did 'took the login on ttyS0 out of /etc/inittab'
}

restore_serial_line() {
	unit=/etc/systemd/system/serial-getty@ttyS0.service
	[ "$(readlink "$root$unit" 2>/dev/null)" != /dev/null ] || discard $unit
	inittab=$root/etc/inittab
	[ -f "$inittab" ] && grep -q '^#gvad# ' "$inittab" || return 0
	sed 's/^#gvad# //' "$inittab" >"$inittab.new"
	cat "$inittab.new" >"$inittab"
	rm -f "$inittab.new"
	did 'put the login on ttyS0 back into /etc/inittab'
}

install_service() {
	case $init in
	systemd)
		put gvad.service /etc/systemd/system/gvad.service 644
		link ../gvad.service /etc/systemd/system/multi-user.target.wants/gvad.service
		;;
	openrc)
		put gvad.openrc /etc/init.d/gvad 755
		link /etc/init.d/gvad /etc/runlevels/default/gvad
		;;
	sysvinit)
		put gvad.sysvinit /etc/init.d/gvad 755
		for level in 2 3 4 5; do link ../init.d/gvad "/etc/rc$level.d/S99gvad"; done
		;;
	bsd)
		put gvad.bsd /etc/rc.d/gvad 755
		put gvad.rcconf /etc/rc.conf.d/gvad 644
		;;
	esac
}

uninstall_service() {
	case $init in
	systemd)
		discard /etc/systemd/system/multi-user.target.wants/gvad.service
		discard /etc/systemd/system/gvad.service
		;;
	openrc)
		discard /etc/runlevels/default/gvad
		discard /etc/init.d/gvad
		;;
	sysvinit)
		for level in 2 3 4 5; do discard "/etc/rc$level.d/S99gvad"; done
		discard /etc/init.d/gvad
		;;
	bsd)
		discard /etc/rc.conf.d/gvad
		discard /etc/rc.d/gvad
		;;
	esac
}

[ -n "$root" ] || [ "$(id -u)" -eq 0 ] || fail 'only root can do this'
[ -n "$init" ] || detect_init
if [ "$action" = install ]; then
	install_programs
	install_service
	free_serial_line
else
	uninstall_service
	restore_serial_line
	for name in gvad gvad-ovf-env gvad-wake; do discard "/usr/sbin/$name"; done
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
case $action-$changed in
install-1) echo "install.sh: GVAD starts at the next boot, by $init" ;;
install-0) echo "install.sh: GVAD is there already, by $init: nothing to do" ;;
uninstall-1) echo 'install.sh: GVAD is gone' ;;
*) echo 'install.sh: GVAD was not there' ;;
esac
