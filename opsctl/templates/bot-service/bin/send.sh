# Send what stands on stdin to a chat of Telegram: sh bin/send.sh CHAT
# By the team's own bot, whose token is in OPS_BOT_TOKEN, so that it works while the bot of the users does not.
set -eu
text=$(head -c 4000)
address="<<telegram_api>>/bot${OPS_BOT_TOKEN:?is not set}/sendMessage"
# By a configuration on stdin, as everybody on the machine can read arguments.
answer=$(printf 'url = "%s"\n' "$address" | curl -sS --max-time 20 --config - \
    --data-urlencode "chat_id=$1" --data-urlencode "text=$text")
case $answer in
    *'"ok":true'*) echo "sent to $1" ;;
    *) echo "$answer" >&2; exit 1 ;;
esac
