{{/* What the gateway's container and the check of its config have in common. */}}

{{- define "dragoman.environment" -}}
- { name: DRAGOMAN_SERVER__LISTEN, value: "0.0.0.0:8080" }
- { name: DRAGOMAN_SERVER__ADMIN, value: "0.0.0.0:9090" }
- { name: DRAGOMAN_SERVER__DRAIN_TIMEOUT, value: {{ printf "%ds" (int .Values.drainSeconds) | quote }} }
- { name: DRAGOMAN_LOG, value: {{ .Values.log.level | quote }} }
- { name: DRAGOMAN_LOG_FORMAT, value: {{ .Values.log.format | quote }} }
{{- with include "dragoman.publicUrl" . }}
- { name: PUBLIC_URL, value: {{ . | quote }} }
{{- end }}
{{- with .Values.redis.url }}
- { name: REDIS, value: {{ . | quote }} }
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "dragoman.mounts" -}}
- { name: config, mountPath: /etc/dragoman, readOnly: true }
- { name: secrets, mountPath: /run/secrets, readOnly: true }
{{- end }}

{{- define "dragoman.volumes" -}}
- name: config
  configMap: { name: {{ include "dragoman.configMap" . }} }
- name: secrets
  {{- if or .Values.secrets.create .Values.secrets.existing .Values.redis.passwordSecret }}
  projected:
    defaultMode: 0440
    sources:
      {{- if or .Values.secrets.create .Values.secrets.existing }}
      - secret: { name: {{ include "dragoman.secret" . }} }
      {{- end }}
      {{- if .Values.redis.passwordSecret }}
      - secret:
          name: {{ .Values.redis.passwordSecret }}
          items: [{ key: {{ .Values.redis.passwordKey }}, path: redis_password }]
      {{- end }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
