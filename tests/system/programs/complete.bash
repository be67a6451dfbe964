# What bash offers for the last of some words: bash complete.bash SCRIPT WORD...
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_maple
printf '%s\n' "${COMPREPLY[@]}"
