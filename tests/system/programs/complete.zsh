# What zsh makes of a line when Tab is pressed: zsh -f complete.zsh SCRIPT LINE
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; autoload -Uz compinit; compinit -u -D; source $1"
zpty -w shell 'tell() { print -r -- "<<$BUFFER>>" }; zle -N tell; bindkey "^X" tell'
zpty -w -n shell "$2"$'\t'$'\x18'
zpty -r shell answer '*<<maple*>>*'
print -r -- "${${answer##*<<}%%>>*}"
zpty -d shell
