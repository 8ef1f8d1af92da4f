#!/bin/sh
# The gate of a deploy job, on GitHub Actions and on GitLab: the job ends where the gate is not open.
set -eu
environment="${DEPLOY_ENVIRONMENT:-prod}"
if [ -f words.jsonl ]; then
    # What people signed elsewhere, as `opsctl checklist export` wrote it.
    opsctl checklist import words.jsonl
fi
if [ -n "${GITHUB_ACTIONS:-}" ]; then
    # Annotations, and a table in the step's summary.
    exec opsctl gate pre-deploy --subject "$GITHUB_SHA" --env "$environment" -o github
fi
if [ -n "${GITLAB_CI:-}" ]; then
    # `artifacts: {reports: {junit: gate.xml}}` shows it in the merge request.
    code=0
    opsctl gate pre-deploy --subject "$CI_COMMIT_SHA" --env "${CI_ENVIRONMENT_NAME:-$environment}" -o junit >gate.xml || code=$?
    exit "$code"
fi
exec opsctl gate pre-deploy --subject "$(git rev-parse HEAD)" --env "$environment"
