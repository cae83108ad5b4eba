# zsh-complete.zsh - what zsh offers for a line
#
# usage: zsh -f zsh-complete.zsh DIR LINE
#
# LINE is typed into a zsh that has the functions of DIR, with a tab behind
# it.  Prints what may be put there, each on a line.  A compadd with -O, -A or
# -D only asks; the others add to the list.
zmodload zsh/zpty
zpty -b inner zsh -f -i
zpty -w inner "PS1= PS2=; unsetopt zle_bracketed_paste prompt_sp; stty -echo
fpath=(${(q)1} \$fpath); autoload -Uz compinit; compinit -u -D
bindkey '^I' complete-word; LISTMAX=1000000
compadd() {
	local -a hits
	case \"\${(j: :)@}\" in
	*-[OAD]*) ;;
	*)	builtin compadd -A hits \"\$@\"
		printf '<<%s>>\\n' \$hits ;;
	esac
	builtin compadd \"\$@\"
}
ended() { print '<''end''>' }
comppostfuncs=(ended)
print '<''ready''>'"
zpty -r inner out '*<ready>*' || exit 1
zpty -w -n inner "$2"$'\t'
zpty -r inner out '*<end>*' || exit 1
zpty -d inner
print -r -- "$out" | sed -n 's/.*<<\(..*\)>>.*/\1/p' | sort -u
