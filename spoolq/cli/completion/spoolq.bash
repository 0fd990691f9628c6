# bash completion of spoolq.
# Written by docs/reference/make_cli.py from the commands' own parsers. Do not edit.
# Use it: eval "$(spoolq completion bash)"

_spoolq_commands='init put submit get slurm done fail release extend work stop status ls show top explain metrics logs wait cancel retry pause resume reap prune archive report web doctor bench completion'

# What the words of a command may be: its options, what each takes, and its operands.
_spoolq_knows() {
    options='' operands='' takes=''
    case $1 in
        init)
            options='-h --help --lease-seconds --max-attempts --durability --retention --retry-delay --retry-delay-max --max-task-bytes --group --retention-jobs --retention-bytes --max-waiting --max-bytes --exist-ok --json -s --spool' operands='dir'
            case $2 in
                --lease-seconds) takes='word' ;;
                --max-attempts) takes='word' ;;
                --durability) takes='full publish off' ;;
                --retention) takes='word' ;;
                --retry-delay) takes='word' ;;
                --retry-delay-max) takes='word' ;;
                --max-task-bytes) takes='word' ;;
                --retention-jobs) takes='word' ;;
                --retention-bytes) takes='word' ;;
                --max-waiting) takes='word' ;;
                --max-bytes) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        put)
            options='-h --help --lines -0 --null --priority --delay --key --header --lease-seconds --max-attempts --timeout --json -s --spool' operands='file'
            case $2 in
                --priority) takes='word' ;;
                --delay) takes='word' ;;
                --key) takes='word' ;;
                --header) takes='word' ;;
                --lease-seconds) takes='word' ;;
                --max-attempts) takes='word' ;;
                --timeout) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        submit)
            options='-h --help --cwd --env --shell --timeout --retries --array --priority --delay --key --header --lease-seconds --max-attempts --wait --json -s --spool' operands=''
            case $2 in
                --cwd) takes='dir' ;;
                --env) takes='word' ;;
                --timeout) takes='word' ;;
                --retries) takes='word' ;;
                --array) takes='word' ;;
                --priority) takes='word' ;;
                --delay) takes='word' ;;
                --key) takes='word' ;;
                --header) takes='word' ;;
                --lease-seconds) takes='word' ;;
                --max-attempts) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        get)
            options='-h --help --timeout --wait --output --json -s --spool' operands=''
            case $2 in
                --timeout) takes='word' ;;
                --output) takes='file' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        slurm)
            options='-h --help -n --workers --time --cpus -o --option --setup --again --submit --json -s --spool' operands=''
            case $2 in
                -n | --workers) takes='word' ;;
                --time) takes='word' ;;
                --cpus) takes='word' ;;
                -o | --option) takes='word' ;;
                --setup) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        done)
            options='-h --help --result --json -s --spool' operands='lease'
            case $2 in
                --result) takes='file' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        fail)
            options='-h --help --reason --no-retry --delay --json -s --spool' operands='lease'
            case $2 in
                --reason) takes='word' ;;
                --delay) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        release)
            options='-h --help --delay --json -s --spool' operands='lease'
            case $2 in
                --delay) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        extend)
            options='-h --help --seconds --json -s --spool' operands='lease'
            case $2 in
                --seconds) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        work)
            options='-h --help -j --jobs --timeout --grace --retries --retry-on --no-retry-on --output --max-output --nice --idle-exit --until-empty --max-jobs --max-rss --walltime --until --min-time --drain --commands -s --spool' operands=''
            case $2 in
                -j | --jobs) takes='word' ;;
                --timeout) takes='word' ;;
                --grace) takes='word' ;;
                --retries) takes='word' ;;
                --retry-on) takes='word' ;;
                --no-retry-on) takes='word' ;;
                --output) takes='capture inherit discard' ;;
                --max-output) takes='word' ;;
                --nice) takes='word' ;;
                --idle-exit) takes='word' ;;
                --max-jobs) takes='word' ;;
                --max-rss) takes='word' ;;
                --walltime) takes='word' ;;
                --until) takes='word' ;;
                --min-time) takes='word' ;;
                --drain) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        stop)
            options='-h --help --host --worker --now --json -s --spool' operands=''
            case $2 in
                --host) takes='word' ;;
                --worker) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        status)
            options='-h --help --watch --check --warning --critical --json -s --spool' operands=''
            case $2 in
                --watch) takes='word' ;;
                --warning) takes='word' ;;
                --critical) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        ls)
            options='-h --help --since --owner --key --header --sort --reverse --limit --ids --json -s --spool' operands='leased ready delayed failed done processing'
            case $2 in
                --since) takes='word' ;;
                --owner) takes='word' ;;
                --key) takes='word' ;;
                --header) takes='word' ;;
                --sort) takes='published priority attempt due owner reason' ;;
                --limit) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        show)
            options='-h --help --result --json -s --spool' operands='id'
            case $2 in
                -s | --spool) takes='dir' ;;
            esac
            ;;
        top)
            options='-h --help --every --read-only -s --spool' operands=''
            case $2 in
                --every) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        explain)
            options='-h --help --json -s --spool' operands='id'
            case $2 in
                -s | --spool) takes='dir' ;;
            esac
            ;;
        metrics)
            options='-h --help --output --listen --every -s --spool' operands=''
            case $2 in
                --output) takes='file' ;;
                --listen) takes='word' ;;
                --every) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        logs)
            options='-h --help -f --follow --attempt --all --stdout --stderr --json -s --spool' operands='id'
            case $2 in
                --attempt) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        wait)
            options='-h --help --all --timeout --json -s --spool' operands='id'
            case $2 in
                --timeout) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        cancel)
            options='-h --help --json -s --spool' operands='id'
            case $2 in
                -s | --spool) takes='dir' ;;
            esac
            ;;
        retry)
            options='-h --help --failed --json -s --spool' operands='id'
            case $2 in
                -s | --spool) takes='dir' ;;
            esac
            ;;
        pause)
            options='-h --help --reason --json -s --spool' operands=''
            case $2 in
                --reason) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        resume)
            options='-h --help --json -s --spool' operands=''
            case $2 in
                -s | --spool) takes='dir' ;;
            esac
            ;;
        reap)
            options='-h --help --json -s --spool' operands=''
            case $2 in
                -s | --spool) takes='dir' ;;
            esac
            ;;
        prune)
            options='-h --help --older-than --keep --keep-bytes --failed --json -s --spool' operands=''
            case $2 in
                --older-than) takes='word' ;;
                --keep) takes='word' ;;
                --keep-bytes) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        archive)
            options='-h --help --older-than --json -s --spool' operands=''
            case $2 in
                --older-than) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        report)
            options='-h --help --output -o --last --json -s --spool' operands=''
            case $2 in
                --output | -o) takes='file' ;;
                --last) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        web)
            options='-h --help --port --last -s --spool' operands=''
            case $2 in
                --port) takes='word' ;;
                --last) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        doctor)
            options='-h --help --fix --probe --peer --json -s --spool' operands=''
            case $2 in
                --peer) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        bench)
            options='-h --help --only --quick --large --json -s --spool' operands='dir'
            case $2 in
                --only) takes='word' ;;
                -s | --spool) takes='dir' ;;
            esac
            ;;
        completion)
            options='-h --help -s --spool' operands='bash zsh fish'
            case $2 in
                -s | --spool) takes='dir' ;;
            esac
            ;;
    esac
}

# The first names in a spool's directories: $1 are directories, $2 the field of the name.
_spoolq_names() {
    local directory
    for directory in $1; do
        command ls -f "$spool/$directory" 2> /dev/null | head -n 2000
    done | case $2 in
        id) sed -n 's/^\([0-9]\{8\}T[0-9]*\.\)\{0,1\}\([0-9]-[0-9T]*-[A-Z2-7]*\)\(\..*\)\{0,1\}$/\2/p' ;;
        lease) sed -n '/^[0-9]-[0-9T]*-[A-Z2-7]*\.[0-9]*\.[A-Za-z0-9_-]*$/p' ;;
    esac | sort -u
}

_spoolq_values() {
    case $1 in
        file) COMPREPLY=($(compgen -f -- "$current")) && compopt -o filenames 2> /dev/null ;;
        dir) COMPREPLY=($(compgen -d -- "$current")) && compopt -o filenames 2> /dev/null ;;
        id) COMPREPLY=($(compgen -W "$(_spoolq_names 'leased ready delayed failed done' id)" -- "$current")) ;;
        lease) COMPREPLY=($(compgen -W "$(_spoolq_names leased lease)" -- "$current")) ;;
        word | '') ;;
        *) COMPREPLY=($(compgen -W "$1" -- "$current")) ;;
    esac
}

_spoolq() {
    local IFS=$' \t\n' current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command='' spool=${SPOOLQ_DIR-} options operands takes at
    COMPREPLY=()
    case ${COMP_WORDS[0]##*/} in spool-*) command=${COMP_WORDS[0]##*/spool-} command=${command#spool-} ;; esac
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
            -s | --spool) spool=${COMP_WORDS[at + 1]} at=$((at + 1)) ;;
            -*) ;;
            *) [[ -n $command ]] || command=${COMP_WORDS[at]} ;;
        esac
    done
    if [[ $before == -s || $before == --spool ]]; then
        _spoolq_values dir
    elif [[ -z $command || ( $command == help && $current != -* ) ]]; then
        COMPREPLY=($(compgen -W "$_spoolq_commands help -s --spool --help --version" -- "$current"))
    else
        _spoolq_knows "$command" "$before"
        if [[ -n $takes ]]; then
            _spoolq_values "$takes"
        elif [[ $current == -* ]]; then
            COMPREPLY=($(compgen -W "$options" -- "$current"))
        else
            _spoolq_values "$operands"
        fi
    fi
}

complete -F _spoolq spoolq spool-cancel spool-doctor spool-done spool-explain spool-extend spool-fail spool-get spool-init spool-logs spool-ls spool-metrics spool-pause spool-prune spool-put spool-reap spool-release spool-resume spool-retry spool-show spool-status spool-stop spool-submit spool-top spool-wait spool-work
