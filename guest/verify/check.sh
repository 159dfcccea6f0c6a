#!/bin/sh
# The program of an appliance that `gva base verify` runs on a base: says on standard error what of the guest contract
# (version 1) does not hold. The parameter `text` has the value below; `beside.txt` lies beside the parameters.
wanted="it's  \"one\" word"
status=0
lacks() {
	echo "$1" >&2
	status=1
}

[ "$(id -u)" = 0 ] || lacks "the script is not run by root"
[ "$(pwd)" = /output ] || lacks "the working directory is $(pwd), not /output"
[ "$GVA_CONTRACT" = 1 ] || lacks "GVA_CONTRACT is '$GVA_CONTRACT', not 1"
[ "$GVA_APP $GVA_DATA $GVA_OUTPUT $GVA_CDROM" = "/app /data /output /cdrom" ] ||
	lacks "GVA_APP, GVA_DATA, GVA_OUTPUT and GVA_CDROM are '$GVA_APP $GVA_DATA $GVA_OUTPUT $GVA_CDROM'"
[ -x /app/check.sh ] || lacks "the application is not under /app"
[ "$(cat /data/here.txt)" = data ] || lacks "the data are not under /data"
[ "$(cat /cdrom/param.d/text)" = "$wanted" ] || lacks "/cdrom/param.d/text has not the parameter's bytes"
[ "$(
	# shellcheck source=/dev/null
	. /cdrom/params.sh
	# shellcheck disable=SC2154
	echo "$text"
)" = "$wanted" ] || lacks "/cdrom/params.sh does not set the parameter"
for name in param params.json ovf-env.xml; do
	[ -s "/cdrom/$name" ] || lacks "there is no /cdrom/$name"
done
[ "$(cat /cdrom/beside.txt)" = beside ] || lacks "a file given for the instance is not under /cdrom"
(: >/cdrom/no) 2>/dev/null && lacks "/cdrom can be written to"
echo kept >/output/kept.txt || lacks "/output cannot be written to"
exit "$status"
