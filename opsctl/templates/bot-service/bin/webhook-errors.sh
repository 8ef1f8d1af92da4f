# Say, as JSON, whether Telegram had an error with the webhook in the last 15 minutes; {} where it cannot be told.
# Telegram keeps the date of the last error for good, so that only its age says something of today.
set -eu
address="<<telegram_api>>/bot${TELEGRAM_BOT_TOKEN:?}/getWebhookInfo"
# By a configuration on stdin, as everybody on the machine can read arguments.
answer=$(printf 'url = "%s"\n' "$address" | curl -s --max-time 8 --config -) || answer=
case $answer in
    *'"ok":true'*) ;;
    *) echo '{}'; exit ;;
esac
last=$(printf '%s' "$answer" | sed -n 's/.*"last_error_date":\([0-9]*\).*/\1/p')
if [ $(($(date +%s) - ${last:-0})) -lt 900 ]; then
    echo '{"recent_error": true}'
else
    echo '{"recent_error": false}'
fi
