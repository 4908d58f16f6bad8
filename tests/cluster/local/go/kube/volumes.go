package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	provisioner   = "plinth.dev/folder"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	claimedFrom   = "volume.kubernetes.io/storage-provisioner"
)

// volumes makes a folder of this machine for each claim of the default StorageClass, and takes it away with its volume.
// The provisioner inside kube-controller-manager makes folders only root can write; a pod of the restricted
// Pod Security Standard could not use them.
type volumes struct {
	client kubernetes.Interface
	folder string
}

func runVolumes() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	folder := flag.String("folder", "", "where the volumes' folders are made")
	flag.Parse()
	syscall.Umask(0)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	v := volumes{kubernetes.NewForConfigOrDie(config), *folder}
	factory := informers.NewSharedInformerFactory(v.client, 0)
	watch(factory.Core().V1().PersistentVolumeClaims().Informer(), func(object any) error { return v.provide(ctx, object) })
	watch(factory.Core().V1().PersistentVolumes().Informer(), func(object any) error { return v.reclaim(ctx, object) })
	factory.Start(ctx.Done())
	<-ctx.Done()
}

func watch(informer cache.SharedIndexInformer, act func(any) error) {
	report := func(object any) {
		if err := act(object); err != nil {
			log.Print(err)
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: report, UpdateFunc: func(_, object any) { report(object) }}
	if _, err := informer.AddEventHandler(handler); err != nil {
		log.Fatal(err)
	}
}

func (v volumes) provide(ctx context.Context, object any) error {
	claim := object.(*core.PersistentVolumeClaim)
	if claim.Annotations[claimedFrom] != provisioner || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	path := filepath.Join(v.folder, name)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	_, err := v.client.CoreV1().PersistentVolumes().Create(ctx, volumeFor(claim, name, path), meta.CreateOptions{})
	if err != nil && !errors.IsAlreadyExists(err) {
		return fmt.Errorf("volume for claim %s/%s: %w", claim.Namespace, claim.Name, err)
	}
	return nil
}

func volumeFor(claim *core.PersistentVolumeClaim, name, path string) *core.PersistentVolume {
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: provisioner}},
		Spec: core.PersistentVolumeSpec{
			StorageClassName:              *claim.Spec.StorageClassName,
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			PersistentVolumeSource:        core.PersistentVolumeSource{HostPath: &core.HostPathVolumeSource{Path: path}},
			ClaimRef: &core.ObjectReference{
				Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
		},
	}
}

func (v volumes) reclaim(ctx context.Context, object any) error {
	volume := object.(*core.PersistentVolume)
	if volume.Annotations[provisionedBy] != provisioner || volume.Status.Phase != core.VolumeReleased {
		return nil
	}
	if err := os.RemoveAll(volume.Spec.HostPath.Path); err != nil {
		return err
	}
	err := v.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}
