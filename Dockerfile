# Build: npm and the compiler stay in this stage.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No dependency needs its install script, so none gets to run one.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build \
  && npm prune --omit=dev --ignore-scripts \
  && mkdir /state

# Run: distroless instead of slim. No shell, no package manager and no npm, which is where a Node.js image's reported
# vulnerabilities mostly sit; the same Debian release and C library as the build stage. To look inside a running pod:
# kubectl debug --image=busybox --target=pilotlight.
FROM gcr.io/distroless/nodejs22-debian12:nonroot
LABEL org.opencontainers.image.title="pilotlight" \
  org.opencontainers.image.description="KEDA external scaler for GPU inference" \
  org.opencontainers.image.licenses="Apache-2.0"
# Distroless keeps node outside the usual path; the entry point, preStop and health checks call it by name.
ENV NODE_ENV=production \
  PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
WORKDIR /app
COPY LICENSE package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY protos ./protos
COPY scalers ./scalers
# A place that the user below may write to, also where a volume is first mounted over it. All else belongs to root.
COPY --from=build --chown=65532:65532 /state /var/lib/pilotlight
# Distroless calls this user nonroot; by number, so that Kubernetes can check runAsNonRoot.
USER 65532:65532
EXPOSE 50051 8080
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
