{{- define "caviar.labels" -}}
app.kubernetes.io/name: caviar
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "caviar.security" -}}
automountServiceAccountToken: false
securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
{{- end }}

{{- define "caviar.image" -}}
image: {{ printf "%s:%s" .Values.image.repository .Values.image.tag | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
{{- end }}

{{- define "caviar.database" -}}
{{- if .Values.database.url }}
- {name: CAVIAR_DATABASE_URL, value: {{ .Values.database.url | quote }}}
- {name: CAVIAR_DATABASE_PASSWORD_FILE, value: /run/secrets/caviar/database-password}
{{- end }}
{{- end }}

{{- define "caviar.volume" -}}
{{ if .Values.store.url }}{{ if not .Values.database.url }}needed{{ end }}{{ else }}needed{{ end }}
{{- end }}

{{- define "caviar.store" -}}
{{- if .Values.store.url }}
- {name: CAVIAR_STORE, value: {{ .Values.store.url | quote }}}
{{- if .Values.store.endpoint }}
- {name: CAVIAR_STORE_ENDPOINT, value: {{ .Values.store.endpoint | quote }}}
{{- end }}
{{- if .Values.store.region }}
- {name: AWS_DEFAULT_REGION, value: {{ .Values.store.region | quote }}}
{{- end }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ .Values.existingSecret | quote }}, key: aws-access-key-id, optional: true}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ .Values.existingSecret | quote }}, key: aws-secret-access-key, optional: true}}
{{- end }}
{{- end }}

{{- define "caviar.worker" -}}
{{ include "caviar.security" . }}
# Longer than the 20 s in which agents hand back their trials, with time for the last checkpoint to arrive.
terminationGracePeriodSeconds: 90
nodeSelector: {{ .Values.workers.nodeSelector | toJson }}
tolerations: {{ .Values.workers.tolerations | toJson }}
containers:
  - name: worker
    {{- include "caviar.image" . | nindent 4 }}
    args: [worker, --slots, {{ .Values.workers.slots | quote }}{{ if eq .Values.workers.mode "keda" }}, --exit-when-idle, {{ .Values.workers.exitWhenIdle | quote }}{{ end }}]
    env:
      - {name: CAVIAR_URL, value: "http://{{ .Release.Name }}-server:8000"}
      - {name: CAVIAR_TOKEN_FILE, value: /run/secrets/caviar/agent-token}
      - {name: CAVIAR_DATA, value: /tmp/caviar}
    resources: {{ .Values.workers.resources | toJson }}
    volumeMounts:
      - {name: secrets, mountPath: /run/secrets/caviar, readOnly: true}
      - {name: cache, mountPath: /var/cache/caviar}
      - {name: tmp, mountPath: /tmp}
volumes:
  - name: secrets
    secret: {secretName: {{ .Values.existingSecret | quote }}, defaultMode: 0440, items: [{key: agent-token, path: agent-token}]}
  - {name: cache, emptyDir: {}}
  - {name: tmp, emptyDir: {}}
{{- end }}
