#!/bin/sh
# run.sh TARGET SECONDS CORPUS: fuzz for so long from a copy of what is known.
set -eu
name=${1##*/fuzz_}
work=fuzz-work/$name
rm -rf "$work"
mkdir -p "$work"
cp "$3/$name"/* "$work"
chmod -R u+w "$work"
if ! "./$1" -max_total_time="$2" -timeout=10 -print_final_stats=1 \
    -artifact_prefix="fuzz-work/$name-" "$work" 2>"fuzz-work/$name.log"; then
	cat "fuzz-work/$name.log"
	exit 1
fi
echo "fuzz: $name: $(grep '^Done' "fuzz-work/$name.log")"
